/** Of Go's type StrSlice: a text is a list of itself. */
const TEXT_LISTS = new Set(['Cmd', 'Entrypoint', 'Shell', 'CapAdd', 'CapDrop']);
/** Texts by names that a client chose; Config is a log driver's, Options are a driver's. */
const TEXTS_BY_NAME = new Set(['Labels', 'Sysctls', 'StorageOpt', 'Tmpfs', 'Annotations', 'Config', 'Options']);
/** Ports and paths, which are there by their names alone. */
const NAMES = new Set(['ExposedPorts', 'Volumes']);

/** A field of a request's body as dockerd, which is written in Go, takes it: null says nothing, as if the field were absent, and of something by name it is the zero value. Whether the type fits is for others to say. */
export function asGoReads(name: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value === 'string') return TEXT_LISTS.has(name) ? [value] : value;
  if (Array.isArray(value)) return value.map((item: unknown) => (item === null ? item : asGoReads('', item)));
  // A port whose bindings are null is published all the same.
  if (typeof value !== 'object' || name === 'PortBindings') return value;
  const zero = TEXTS_BY_NAME.has(name) ? '' : NAMES.has(name) ? {} : undefined;
  return Object.fromEntries(Object.entries(value).flatMap(([key, field]: [string, unknown]) => {
    const read = zero === undefined ? asGoReads(key, field) : (field ?? zero);
    return read === undefined ? [] : [[key, read] as const];
  }));
}

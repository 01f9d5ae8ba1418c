/** The types that Go knows of a request's JSON, and dockerd's names for them: what a wrong body is told is made of these. */
export type GoType =
  | { readonly kind: 'text' | 'truth'; readonly name: string }
  | { readonly kind: 'number'; readonly name: string; readonly least: number; readonly most: number }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: ReadonlyMap<string, GoType>; /** By their small letters. */ readonly folded: ReadonlyMap<string, string> }
  | { readonly kind: 'list'; readonly name: string; readonly of: GoType }
  /** Names that a client chose. */
  | { readonly kind: 'map'; readonly name: string; readonly of: GoType }
  /** A text is a list of itself. */
  | { readonly kind: 'texts or text'; readonly name: string };

export type GoStruct = Extract<GoType, { readonly kind: 'struct' }>;

export const text = (name = 'string'): GoType => ({ kind: 'text', name });
export const TRUTH: GoType = { kind: 'truth', name: 'bool' };
/** Of 64 bits: what has more was refused when the text was read. */
export const integer = (name = 'int64'): GoType => ({ kind: 'number', name, least: -Infinity, most: Infinity });
export const unsigned = (name: string, most = Infinity): GoType => ({ kind: 'number', name, least: 0, most });
export const list = (of: GoType, name = `[]${of.name}`): GoType => ({ kind: 'list', name, of });
export const map = (of: GoType, name = `map[string]${of.name}`): GoType => ({ kind: 'map', name, of });
export const TEXTS_OR_TEXT: GoType = { kind: 'texts or text', name: 'string' };

/** `types`: of each, the names of the fields that have it. Of a name that is said twice the last one counts. */
export function struct(name: string, ...types: readonly (readonly [fields: string, type: GoType])[]): GoStruct {
  const fields = new Map(types.flatMap(([names, type]) => names.split(' ').map((field) => [field, type] as const)));
  return { kind: 'struct', name, fields, folded: new Map([...fields.keys()].map((field) => [field.toLowerCase(), field])) };
}

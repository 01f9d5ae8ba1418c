import { invalid } from '#libs/errors/errors.js';

/** A file of the Container Device Interface (SPEC.md, 1.0): what a container has to be given to have a vendor's devices. */
export interface CdiSpec {
  /** "vendor.com/class" */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly edits: CdiEdits }[];
  /** Of whoever has one of its devices. */
  readonly edits: CdiEdits;
}

export interface CdiEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
}

export interface CdiNode {
  readonly path: string;
  /** Where the host has it; what is not said of it is as there. */
  readonly hostPath: string;
  readonly permissions: string;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options: readonly string[];
}

/** As of config.md, "POSIX-platform Hooks". */
export interface CdiHook {
  readonly hookName: string;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout?: number;
}

type Fields = Readonly<Record<string, unknown>>;

const HOOKS = new Set(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']);
/** Of a device what Berth has no way to give. */
const UNSUPPORTED = ['netDevices', 'intelRdt'];
const MOST_ITEMS = 10_000;

/** What a file says, read as JSON or YAML. Throws invalid for what is no such file, and names the place. */
export function readCdiSpec(value: unknown): CdiSpec {
  const spec = fields(value, 'the file');
  const kind = text(spec['kind'], 'kind');
  if (!/^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*$/.test(kind)) throw invalid(`kind ${JSON.stringify(kind)} is not "vendor/class"`);
  text(spec['cdiVersion'], 'cdiVersion');
  const devices = list(spec['devices'], 'devices').map((device, index) => {
    const place = `devices[${index}]`;
    const { name, containerEdits } = fields(device, place);
    const deviceName = text(name, `${place}.name`);
    if (!/^[A-Za-z0-9][\w.:-]*$/.test(deviceName)) throw invalid(`${place}.name ${JSON.stringify(deviceName)} is no name of a device`);
    return { name: deviceName, edits: readEdits(containerEdits, `${place}.containerEdits`) };
  });
  return { kind, devices, edits: readEdits(spec['containerEdits'], 'containerEdits') };
}

function readEdits(value: unknown, place: string): CdiEdits {
  const edits = value === undefined || value === null ? {} : fields(value, place);
  for (const name of UNSUPPORTED) if (edits[name] !== undefined && edits[name] !== null) throw invalid(`${place}.${name}: Berth does not support it yet`);
  const each = <T>(name: string, read: (item: Fields, at: string) => T): readonly T[] => list(edits[name], `${place}.${name}`).map((item, index) => read(fields(item, `${place}.${name}[${index}]`), `${place}.${name}[${index}]`));
  return {
    env: texts(edits['env'], `${place}.env`).map((variable) => (variable.indexOf('=') > 0 ? variable : refuse(`${place}.env: ${JSON.stringify(variable)} is no variable`))),
    deviceNodes: each('deviceNodes', readNode),
    mounts: each('mounts', readMount),
    hooks: each('hooks', readHook),
    additionalGids: list(edits['additionalGids'], `${place}.additionalGids`).map((gid) => number(gid, `${place}.additionalGids`)).filter((gid) => gid !== 0),
  };
}

function readNode(node: Fields, place: string): CdiNode {
  const path = absolute(node['path'], `${place}.path`);
  const permissions = node['permissions'] === undefined ? 'rwm' : text(node['permissions'], `${place}.permissions`);
  if (!/^[rwm]{1,3}$/.test(permissions)) throw invalid(`${place}.permissions ${JSON.stringify(permissions)} are not of "r", "w" and "m"`);
  const optional = (name: 'fileMode' | 'uid' | 'gid'): object => (node[name] === undefined ? {} : { [name]: number(node[name], `${place}.${name}`) });
  // Type and numbers are those of the host's node, whatever the file says.
  return { path, hostPath: node['hostPath'] === undefined ? path : absolute(node['hostPath'], `${place}.hostPath`), permissions, ...optional('fileMode'), ...optional('uid'), ...optional('gid') };
}

function readMount(mount: Fields, place: string): CdiMount {
  if (mount['type'] !== undefined && mount['type'] !== '' && mount['type'] !== 'bind') throw invalid(`${place}.type: Berth binds alone`);
  return { hostPath: absolute(mount['hostPath'], `${place}.hostPath`), containerPath: absolute(mount['containerPath'], `${place}.containerPath`), options: texts(mount['options'], `${place}.options`) };
}

function readHook(hook: Fields, place: string): CdiHook {
  const hookName = text(hook['hookName'], `${place}.hookName`);
  if (!HOOKS.has(hookName)) throw invalid(`${place}.hookName ${JSON.stringify(hookName)} is no name of a hook`);
  const timeout = hook['timeout'] === undefined ? {} : { timeout: number(hook['timeout'], `${place}.timeout`) };
  return { hookName, path: absolute(hook['path'], `${place}.path`), args: texts(hook['args'], `${place}.args`), env: texts(hook['env'], `${place}.env`), ...timeout };
}

function refuse(why: string): never {
  throw invalid(why);
}

function fields(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${place} has to be an object`);
  return value as Fields;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MOST_ITEMS) throw invalid(`${place} has to be a list, of ${MOST_ITEMS} items at most`);
  return value;
}

function text(value: unknown, place: string): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalid(`${place} has to be a text`);
  return value;
}

const texts = (value: unknown, place: string): readonly string[] => list(value, place).map((item) => text(item, place));

function absolute(value: unknown, place: string): string {
  const path = text(value, place);
  if (!path.startsWith('/')) throw invalid(`${place} has to be an absolute path`);
  return path;
}

function number(value: unknown, place: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= 2 ** 32) throw invalid(`${place} has to be a whole number`);
  return value;
}

import type { Device, DeviceCgroupRule } from './runtime-spec.js';

const character = (name: string, major: number, minor: number): Device => ({ path: `/dev/${name}`, type: 'c', major, minor, fileMode: 0o666, uid: 0, gid: 0 });

/** config-linux.md, "Default Devices"; the console and ptmx come with their file systems. */
export const DEFAULT_DEVICES: readonly Device[] = [
  character('null', 1, 3), character('zero', 1, 5), character('full', 1, 7), character('random', 1, 8), character('urandom', 1, 9), character('tty', 5, 0),
];

const use = (major: number, minor?: number): DeviceCgroupRule => ({ allow: true, type: 'c', major, ...(minor === undefined ? {} : { minor }), access: 'rwm' });

/** What Docker lets a container do with devices: make any node, open the harmless ones and terminals of its own devpts. */
const DEFAULT_DEVICE_RULES: readonly DeviceCgroupRule[] = [
  { allow: false },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  use(1, 3), use(1, 5), use(1, 7), use(1, 8), use(1, 9), use(5, 0), use(5, 1), use(5, 2), use(136),
];

export interface AskedDevice {
  readonly device: Device;
  readonly access: string;
}

/** The defaults, and what was asked for: devices, and rules of the form "c 1:3 rwm". */
export function deviceRules(asked: readonly AskedDevice[], rules: readonly string[]): readonly DeviceCgroupRule[] {
  const own = asked.map(({ device: { type, major, minor }, access }): DeviceCgroupRule => ({ allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access }));
  const number = (text: string): number | undefined => (text === '*' ? undefined : Number(text));
  const further = rules.map((rule): DeviceCgroupRule => {
    const [type = '', major = '', minor = '', access = ''] = rule.split(/[ :]/);
    const numbers = { ...(number(major) === undefined ? {} : { major: Number(major) }), ...(number(minor) === undefined ? {} : { minor: Number(minor) }) };
    return type === 'a' ? { allow: true } : { allow: true, type: type === 'b' ? 'b' : 'c', ...numbers, access };
  });
  return [...DEFAULT_DEVICE_RULES, ...own, ...further];
}

export const ALL_DEVICES: readonly DeviceCgroupRule[] = [{ allow: true }];

import { expect, test } from 'vitest';
import type { Mount, RuntimeSpec } from '../spec/runtime-spec.js';
import { forRuntime } from './runtime-mounts.js';

const mount = (destination: string, options: readonly string[], more: Partial<Mount> = {}): Mount => ({ destination, type: 'bind', source: `/host${destination}`, options, ...more });
const spec = (mounts: readonly Mount[], userPath?: string): RuntimeSpec => ({
  ociVersion: '1.2.0', hostname: 'h', mounts, root: { path: '/run/root', readonly: false, overlay: { baseDirectory: '/layers', lower: ['a'], upper: '/own/diff', work: '/own/work', options: 'metacopy=off' } },
  process: { terminal: false, user: { username: '', additionalGroups: [] }, args: ['true'], env: [], cwd: '/', capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }, rlimits: [], noNewPrivileges: false },
  linux: {
    namespaces: [{ type: 'mount' }, ...(userPath === undefined ? [] : [{ type: 'user', path: userPath } as const])], devices: [], cgroupsPath: '/c', resources: { devices: [] }, sysctl: {}, maskedPaths: [], readonlyPaths: [],
    ...(userPath === undefined ? {} : { uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }], gidMappings: [{ containerID: 0, hostID: 2000, size: 10 }] }),
  },
});
const words = (steps: readonly { readonly op: string; readonly from: string }[]): readonly string[] => steps.map(({ op, from }) => `${op} ${from}`);

test('what every runtime knows is left to it', () => {
  const plain = spec([mount('/data', ['rbind', 'ro']), mount('/proc', ['nosuid'], { type: 'proc', shared: { mountNamespace: '/proc/5/ns/mnt', pidNamespace: '/proc/5/ns/pid' } })]);
  const { spec: same, steps } = forRuntime(plain, '/task');
  expect(same).toBe(plain);
  expect(words(steps)).toEqual(['overlay_root root']);
});

test("another container's memory is bound from where the shim has put it", () => {
  const { spec: changed, steps } = forRuntime(spec([mount('/data', ['rbind']), mount('/dev/shm', ['nosuid', 'nodev'], { type: 'tmpfs', source: 'shm', shared: { mountNamespace: '/proc/5/ns/mnt' } })]), '/task');
  expect(words(steps)).toEqual(['stage root', 'shared_tree mounts[1]', 'place_tree mounts[1]', 'overlay_root root']);
  expect(steps[2]).toMatchObject({ tree: 0, target: '/task/mount-1' });
  expect(changed.mounts).toEqual([mount('/data', ['rbind']), { destination: '/dev/shm', type: 'bind', source: '/task/mount-1', options: ['bind', 'rprivate', 'nosuid', 'nodev'] }]);
});

test('a part of a volume is bound from where the shim has put it, since a runtime would follow what lies in it', () => {
  const { spec: changed, steps } = forRuntime(spec([mount('/part', ['rbind', 'ro'], { below: 'a/b' })]), '/task');
  expect(words(steps)).toEqual(['stage root', 'part_tree mounts[0]', 'place_tree mounts[0]', 'overlay_root root']);
  expect(steps[1]).toMatchObject({ source: '/host/part', below: 'a/b', recursive: true, readonly: false, mapped: false });
  expect(changed.mounts).toEqual([{ destination: '/part', type: 'bind', source: '/task/mount-0', options: ['rbind', 'ro'] }]);
});

test('in a user namespace the root and what the engine keeps have its ids before the runtime comes; a bind of the host is left as it is', () => {
  const { spec: changed, steps } = forRuntime(spec([mount('/volume', ['rbind', 'ro', 'idmap']), mount('/host', ['rbind'])], '/proc/9/ns/user'), '/task');
  expect(words(steps)).toEqual(['open_user_namespace linux.namespaces[1]', 'stage root', 'overlay_tree root', 'bind_tree mounts[0]', 'place_tree root', 'place_tree mounts[0]']);
  expect(steps[2]).toMatchObject({ layers: '/layers', own: '/own', upper: 'diff', work: 'work', uid: 1000, gid: 2000, actor: 'parent' });
  expect(steps[3]).toMatchObject({ source: '/host/volume', recursive: true, mapped: true, readonly: false });
  expect(steps.slice(4)).toMatchObject([{ tree: 0, target: '/run/root' }, { tree: 1, target: '/task/mount-0' }]);
  expect(changed.mounts).toEqual([{ destination: '/volume', type: 'bind', source: '/task/mount-0', options: ['rbind', 'ro'] }, mount('/host', ['rbind'])]);
});

import { expect, test } from 'vitest';
import type { RuntimeSpec } from './runtime-spec.js';
import { ociDocument, ociProcess } from './oci-document.js';

const spec: RuntimeSpec = {
  ociVersion: '1.2.0', hostname: 'box', domainname: 'example.org',
  process: {
    terminal: true, user: { username: 'sam', additionalGroups: [] }, args: ['sh'], env: ['A=1', 'HOME='], cwd: '/',
    capabilities: { bounding: ['CAP_CHOWN', 'CAP_SYS_RESOURCE'], effective: [], permitted: [], inheritable: [], ambient: [] },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: -1, optional: true }], noNewPrivileges: false,
  },
  root: { path: '/r', readonly: true, overlay: { baseDirectory: '/l', lower: ['a'], upper: '/u', work: '/w', options: 'metacopy=off' } },
  mounts: [], linux: { namespaces: [], devices: [], cgroupsPath: '/c', resources: { devices: [{ allow: false }] }, sysctl: {}, maskedPaths: [], readonlyPaths: [] },
};
const task = {
  security: { privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default' },
  resources: { memoryBytes: 1 << 26, nanoCpus: 5e8, cpuRealtimePeriod: 1000, cpuRealtimeRuntime: 500, pidsLimit: 9 },
  process: { args: [], env: [], cwd: '/', user: '', groups: [], terminal: true, rows: 24, columns: 80, openStdin: false, stdinOnce: false },
};
const text = ociDocument(spec, task, { user: { uid: 1, gid: 2, additionalGids: [3], home: '/home' }, capabilities: ['CAP_CHOWN'] });

test('the document has numbers where the spec has names, and nothing that is Berth\'s own', () => {
  const document = JSON.parse(text) as Record<string, Record<string, unknown>>;
  expect(document['process']).toMatchObject({ user: { uid: 1, gid: 2, additionalGids: [3] }, env: ['A=1', 'HOME=/home'], consoleSize: { height: 24, width: 80 } });
  expect(document['root']).toEqual({ path: '/r', readonly: true });
  expect(document['process']?.['capabilities']).toMatchObject({ bounding: ['CAP_CHOWN'] });
});
test('no limit is the kernel\'s number, to the last digit', () => expect(text).toContain('{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615}'));
test('a large limit has all its digits', () => {
  const large = ociDocument(spec, { ...task, resources: { memoryBytes: 2 ** 62 } }, { user: { uid: 0, gid: 0, additionalGids: [], home: '/' }, capabilities: [] });
  expect(large).toContain('"limit":4611686018427387904');
  expect(large).toContain('"hard":18446744073709551615');
});
test('limits are in the specification\'s terms', () => {
  const { linux } = JSON.parse(text) as { linux: { resources: object; sysctl: object; seccomp: { defaultAction: string; syscalls: object[] } } };
  expect(linux.resources).toMatchObject({ memory: { limit: 67108864 }, cpu: { quota: 50000, period: 100000, realtimePeriod: 1000, realtimeRuntime: 500 }, pids: { limit: 9 }, devices: [{ allow: false, access: 'rwm' }] });
  expect(linux.sysctl).toEqual({ 'kernel.domainname': 'example.org' });
  expect(linux.seccomp.defaultAction).toBe('SCMP_ACT_ERRNO');
});

test('a container and its execs have their AppArmor profile by its name', () => {
  const facts = { user: { uid: 0, gid: 0, additionalGids: [], home: '/root' }, capabilities: [] };
  const documentOf = (process: RuntimeSpec['process']) => JSON.parse(ociDocument({ ...spec, process }, task, facts)) as { process: object };
  expect(documentOf({ ...spec.process, apparmorProfile: 'mine' }).process).toMatchObject({ apparmorProfile: 'mine' });
  expect(documentOf(spec.process).process).not.toHaveProperty('apparmorProfile');
  const exec = { ...task, privileged: true, ulimits: [] };
  expect(JSON.parse(ociProcess(exec, { ...facts, apparmorProfile: 'mine' }))).toMatchObject({ apparmorProfile: 'mine' });
});

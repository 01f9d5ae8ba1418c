import { expect, test } from 'vitest';
import { DRIFT_KINDS, type Found, hostDifferences, LEAK_KINDS, type Wished } from './host-differences.js';

const wished: Wished = {
  containers: new Set(['web', 'old']),
  running: new Map([['web', 'veth1']]),
  tasks: [{ id: 'web-1', container: 'web', pid: 7 }],
  bridges: new Set(['docker0']),
  rules: new Set(['tcp 80']),
};
const found: Found = {
  cgroups: new Map([['web', 1]]),
  processes: new Set([7]),
  shims: new Set(['web-1']),
  bridges: new Set(['docker0']),
  veths: new Set(['veth1']),
  rules: new Set(['tcp 80']),
  taskDirectories: new Set(['web-1']),
  containerDirectories: new Set(['web', 'old']),
  mounts: [],
};
const kinds = (what: 'drift' | 'leaked', more: Partial<Found>, wish: Partial<Wished> = {}) =>
  hostDifferences({ ...wished, ...wish }, { ...found, ...more }).filter((one) => one.what === what).map(({ kind, subject }) => `${kind} ${subject}`);
const none = new Set<never>();

test('a host that is as wished differs in nothing', () => {
  expect(hostDifferences(wished, found)).toEqual([]);
});

test.each([
  ['bridge docker0', { bridges: none }, {}],
  ['cgroup web', { cgroups: new Map() }, {}],
  ['dir web-1', { taskDirectories: none }, {}],
  ['dir web', { containerDirectories: new Set(['old']) }, {}],
  ['process web-1', { processes: none }, {}],
  ['rule tcp 80', { rules: none }, {}],
  ['shim web-1', { shims: none }, {}],
  ['task lost', {}, { running: new Map([['web', 'veth1'], ['lost', '']]) }],
  ['veth web', { veths: none }, {}],
] as const)('what is wished and not there is drift: %s', (told, more, wish) => {
  expect(kinds('drift', more, wish)).toEqual([told]);
  expect(DRIFT_KINDS).toContain(told.split(' ')[0]);
});

test.each([
  ['cgroup stray', { cgroups: new Map([['web', 1], ['stray', 0]]) }],
  ['dir stray-1', { taskDirectories: new Set(['web-1', 'stray-1']) }],
  ['dir stray', { containerDirectories: new Set(['web', 'old', 'stray']) }],
  ['mount /data/x', { mounts: ['/data/x'] }],
  ['process stray-1', { shims: new Set(['web-1', 'stray-1']) }],
  ['rule udp 53', { rules: new Set(['tcp 80', 'udp 53']) }],
  ['veth veth2', { veths: new Set(['veth1', 'veth2']) }],
] as const)('what is there and wished by nobody has leaked: %s', (told, more) => {
  expect(kinds('leaked', more)).toEqual([told]);
  expect(LEAK_KINDS).toContain(told.split(' ')[0]);
});

test('processes in a cgroup that no task accounts for have leaked with it', () => {
  expect(kinds('leaked', { cgroups: new Map([['web', 1], ['stray', 2]]) })).toEqual(['cgroup stray', 'process stray 1', 'process stray 2']);
});

test('a task that is about to be born misses nothing', () => {
  expect(hostDifferences({ ...wished, tasks: [...wished.tasks, { id: 'new-1', container: 'new', pid: 0 }] }, found)).toEqual([]);
});

test('without the table its rules are missing, and it is told apart', () => {
  expect(kinds('drift', { rules: undefined })).toEqual(['rule table', 'rule tcp 80']);
});

import { expect, test } from 'vitest';
import { readCdiSpec } from './cdi-spec.js';
import { editsFor } from './select-devices.js';

const file = (kind: string, edits: object, devices: Record<string, object>) =>
  readCdiSpec({ cdiVersion: '0.6.0', kind, containerEdits: edits, devices: Object.entries(devices).map(([name, containerEdits]) => ({ name, containerEdits })) });
const vendor = file('vendor.com/class', { env: ['ALL=1'], mounts: [{ hostPath: '/lib/a', containerPath: '/a', options: ['ro'] }] }, {
  one: { deviceNodes: [{ path: '/dev/one' }], env: ['ONE=1'] },
  two: { deviceNodes: [{ path: '/dev/two', hostPath: '/dev/null', permissions: 'rw', uid: 5, gid: 6, fileMode: 0o600 }], additionalGids: [0, 44], hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'x'] }] },
});

test('a container has what its devices need, and once what their file wants of all', () => {
  expect(editsFor(['vendor.com/class=two', 'vendor.com/class=one'], [vendor])).toEqual({
    env: ['ALL=1', 'ONE=1'],
    deviceNodes: [{ path: '/dev/two', hostPath: '/dev/null', permissions: 'rw', uid: 5, gid: 6, fileMode: 0o600 }, { path: '/dev/one', hostPath: '/dev/one', permissions: 'rwm' }],
    mounts: [{ hostPath: '/lib/a', containerPath: '/a', options: ['ro'] }],
    hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'x'], env: [] }],
    additionalGids: [44],
  });
});

test('a later file stands for an earlier one, and --gpus is the first known vendor\'s', () => {
  const [early, late, amd] = [file('nvidia.com/gpu', {}, { all: { env: ['FILE=early'] } }), file('nvidia.com/gpu', {}, { all: { env: ['FILE=late'] } }), file('amd.com/gpu', {}, { all: { env: ['FILE=amd'] } })];
  expect(editsFor(['gpu=all'], [amd, early, late]).env).toEqual(['FILE=late']);
  expect(editsFor(['gpu=all'], [amd]).env).toEqual(['FILE=amd']);
  expect(editsFor(['gpu=none'], [amd]).env).toEqual([]);
  expect(() => editsFor(['gpu=none'], [vendor])).toThrow('could not select device driver');
  expect(() => editsFor(['gpu=all'], [vendor])).toThrow('could not select device driver "" with capabilities: [[gpu]]');
  expect(() => editsFor(['gpu=7', 'vendor.com/class=three', 'vendor.com/class=one'], [vendor, amd])).toThrow('CDI device injection failed: unresolvable CDI devices amd.com/gpu=7, vendor.com/class=three');
});

test.each<[unknown, string]>([
  [null, 'the file has to be an object'],
  [{ cdiVersion: '1.0.0', kind: 'vendor', devices: [] }, 'kind "vendor" is not "vendor/class"'],
  [{ kind: 'a/b', devices: [] }, 'cdiVersion has to be a text'],
  [{ cdiVersion: '1', kind: 'a/b', devices: [{ name: '-x' }] }, 'devices[0].name "-x" is no name of a device'],
  [{ cdiVersion: '1', kind: 'a/b', containerEdits: { env: ['=x'] } }, 'containerEdits.env: "=x" is no variable'],
  [{ cdiVersion: '1', kind: 'a/b', devices: [{ name: 'x', containerEdits: { deviceNodes: [{ path: 'dev/x' }] } }] }, 'devices[0].containerEdits.deviceNodes[0].path has to be an absolute path'],
  [{ cdiVersion: '1', kind: 'a/b', containerEdits: { deviceNodes: [{ path: '/dev/x', permissions: 'q' }] } }, 'permissions "q" are not of "r", "w" and "m"'],
  [{ cdiVersion: '1', kind: 'a/b', containerEdits: { hooks: [{ hookName: 'later', path: '/x' }] } }, 'hookName "later" is no name of a hook'],
  [{ cdiVersion: '1', kind: 'a/b', containerEdits: { netDevices: [{}] } }, 'containerEdits.netDevices: Berth does not support it yet'],
  [{ cdiVersion: '1', kind: 'a/b', containerEdits: { additionalGids: [-1] } }, 'additionalGids has to be a whole number'],
])('%j is no such file', (value, says) => expect(() => readCdiSpec(value)).toThrow(says));

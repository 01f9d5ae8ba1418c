import { expect, test } from 'vitest';
import { deviceAccess } from './device-access.js';
import { compileDeviceFilter } from './device-filter.js';
import type { DeviceRule } from './limits.js';
import { runDeviceFilter } from './testing/run-device-filter.js';

/** "allow c 1:3 rwm", "deny a", "allow b *:* m" */
function rule(text: string): DeviceRule {
  const [word, type, device = '*:*', access = 'rwm'] = text.split(' ');
  const [major = -1, minor = -1] = device.split(':').map((part) => (part === '*' ? -1 : Number(part)));
  return { allow: word === 'allow', type: type as DeviceRule['type'], major, minor, access }; // the tests' own words
}

/** Which of `accesses`, "c 1:3 rw", are allowed. */
function allowed(rules: readonly string[], accesses: readonly string[]): readonly string[] {
  const program = compileDeviceFilter(deviceAccess(rules.map(rule)));
  if (program === undefined) return accesses;
  return accesses.filter((text) => runDeviceFilter(program, { ...rule(`allow ${text}`), type: text.startsWith('b') ? 'b' : 'c' }));
}

const docker = ['deny a', 'allow c *:* m', 'allow b *:* m', 'allow c 1:3 rwm', 'allow c 136:* rwm'];

test('a default container makes any node, opens the harmless ones and none else', () => {
  expect(allowed(docker, ['c 1:3 rw', 'c 1:3 m', 'c 136:7 rw', 'c 1:1 m', 'b 8:0 m', 'c 1:1 r', 'b 8:0 r', 'b 8:0 rwm', 'b 1:3 r', 'c 136:0 rwm'])).toEqual([
    'c 1:3 rw', 'c 1:3 m', 'c 136:7 rw', 'c 1:1 m', 'b 8:0 m', 'c 136:0 rwm',
  ]);
});

test('reading and writing at once needs both, given in one rule or in two', () => {
  expect(allowed(['deny a', 'allow c 1:5 r'], ['c 1:5 r', 'c 1:5 w', 'c 1:5 rw'])).toEqual(['c 1:5 r']);
  expect(allowed(['deny a', 'allow c 1:5 r', 'allow c 1:5 w'], ['c 1:5 rw', 'c 1:5 m'])).toEqual(['c 1:5 rw']);
});

test('where all is allowed, an exception forbids whatever holds a part of it', () => {
  expect(allowed(['deny b 8:* w'], ['b 8:1 r', 'b 8:1 rw', 'b 9:1 w', 'c 8:1 w'])).toEqual(['b 8:1 r', 'b 9:1 w', 'c 8:1 w']);
});

test('a later rule for the same device takes back what an earlier one gave, and "a" forgets all', () => {
  expect(allowed([...docker, 'deny c 1:3 w'], ['c 1:3 r', 'c 1:3 w'])).toEqual(['c 1:3 r']);
  expect(allowed([...docker, 'deny c 1:3 rwm'], ['c 1:3 r', 'c 1:3 m'])).toEqual(['c 1:3 m']); // as every node may be made
  expect(allowed([...docker, 'allow a'], ['b 8:0 rwm'])).toEqual(['b 8:0 rwm']);
  expect(allowed([...docker, 'allow a', 'deny a'], ['c 1:3 r'])).toEqual([]);
});

test('numbers of all 32 bits are compared whole', () => {
  expect(allowed(['deny a', 'allow c 4095:1048575 r', 'allow c 1:4294967295 r'], ['c 4095:1048575 r', 'c 4095:1048574 r', 'c 1:4294967295 r'])).toEqual(['c 4095:1048575 r', 'c 1:4294967295 r']);
});

test('where nothing is forbidden no program is made', () => {
  expect(compileDeviceFilter(deviceAccess([]))).toBeUndefined();
  expect(compileDeviceFilter(deviceAccess([rule('deny a'), rule('allow a')]))).toBeUndefined();
});

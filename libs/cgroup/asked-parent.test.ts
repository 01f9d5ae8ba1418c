import { expect, test } from 'vitest';
import { cgroupParentOf } from './asked-parent.js';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['/', ''],
  ['..', ''],
  ['a', '/a'],
  ['/a', '/a'],
  ['//a///b/', '/a/b'],
  ['../../a', '/a'],
  ['/a/../../b', '/b'],
  ['a/./b', '/a/b'],
  ['x.slice', '/x.slice'],
  ['a:b c', '/a:b c'],
])('%j is %j', (asked, path) => expect(cgroupParentOf(asked)).toBe(path));

test('what would be two lines in /proc/pid/cgroup is refused', () => expect(() => cgroupParentOf('a\n0::/b')).toThrow('invalid cgroup parent: "a\\n0::/b"'));

import { expect, test } from 'vitest';
import { checkCgroupParent } from './cgroup-parent.js';

const isContainer = (part: string): boolean => part === 'c1';

test.each([undefined, '', '/', '/docker', '/docker/c10', '/a/c1/..'])('%j is nobody\'s own cgroup', (asked) => expect(() => checkCgroupParent(asked, isContainer)).not.toThrow());
test.each(['c1', '/docker/c1', '/docker/c1/a', '/x/../docker/c1'])('%s is in that of a container, with which it would end', (asked) => expect(() => checkCgroupParent(asked, isContainer)).toThrow(`invalid cgroup parent: ${asked} is in the cgroup of container c1`));

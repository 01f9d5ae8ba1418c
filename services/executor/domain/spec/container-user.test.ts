import { expect, test } from 'vitest';
import { containerUser } from './container-user.js';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\nsam:x:1234:55:Sam:/home/sam:/bin/sh\n1000:x:7:7::/odd:/bin/sh\nbroken\nhuge:x:4294967295:0::/:/bin/sh\n',
  group: 'root:x:0:\nstaff:x:55:\nwheel:x:77:sam,root\nx:x:-1:sam\n',
};

test('a user by name has the groups that list it', () => {
  expect(containerUser('sam', [], files)).toEqual({ uid: 1234, gid: 55, additionalGids: [77, 55], home: '/home/sam' });
  expect(containerUser('sam:wheel', ['99', 'staff'], files)).toMatchObject({ gid: 77, additionalGids: [99, 55, 77] });
});
test('nothing said is root, and numeric means numeric', () => {
  expect(containerUser('', [], files)).toEqual({ uid: 0, gid: 0, additionalGids: [77, 0], home: '/root' });
  expect(containerUser('1000', [], files)).toEqual({ uid: 1000, gid: 0, additionalGids: [0], home: '/' });
  expect(containerUser('1234:5', [], files)).toMatchObject({ uid: 1234, gid: 5, additionalGids: [5] });
});
test('who is not there is named, and numbers have bounds', () => {
  expect(() => containerUser('nemo', [], files)).toThrow('unable to find user nemo: no matching entries in passwd file');
  expect(() => containerUser('sam:nemo', [], files)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('unable to find group nemo: no matching entries in group file') as string }) as Error);
  expect(() => containerUser('sam:55:7', [], files)).toThrow('unable to find group 55:7: no matching entries in group file');
  expect(() => containerUser('huge', [], files)).toThrow('unable to find user huge');
  for (const user of ['2147483648', '0:2147483648', '99999999999999999999', '-1']) expect(() => containerUser(user, [], files)).toThrow('uids and gids must be in range 0-2147483647');
  expect(containerUser('2147483647', [], files).uid).toBe(2147483647);
});

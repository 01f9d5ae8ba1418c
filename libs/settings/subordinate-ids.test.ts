import { describe, expect, test } from 'vitest';
import { idMapsOf, idMapText, insideId, outsideId, privateIdMaps } from './subordinate-ids.js';

const files = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\ndockremap:x:997:996::/:/usr/sbin/nologin\nann:x:1000:1000::/home/ann:/bin/sh\n',
  group: 'root:x:0:\ndockremap:x:996:\nann:x:1000:\nstaff:x:50:\n',
  subuid: '# ranges\ndockremap:100000:65536\nann:400000:1000\nann:300000:2000\n',
  subgid: 'dockremap:200000:65536\nann:300000:65536\nstaff:500000:10\n',
};

test('"default" is the user and group dockremap', () =>
  expect(idMapsOf('default', files)).toEqual({ uids: [{ inside: 0, outside: 100000, size: 65536 }], gids: [{ inside: 0, outside: 200000, size: 65536 }] }));

test('several ranges follow each other, the lowest first', () =>
  expect(idMapsOf('ann', files).uids).toEqual([{ inside: 0, outside: 300000, size: 2000 }, { inside: 2000, outside: 400000, size: 1000 }]));

test('a group of another name, and numbers in place of names', () => {
  expect(idMapsOf('ann:staff', files).gids).toEqual([{ inside: 0, outside: 500000, size: 10 }]);
  expect(idMapsOf('1000:50', files)).toEqual(idMapsOf('ann:staff', files));
});

test('ranges that name their owner by number count', () => expect(idMapsOf('ann', { ...files, subuid: '1000:700000:65536\n' }).uids).toEqual([{ inside: 0, outside: 700000, size: 65536 }]));

describe('what is missing is named', () => {
  test.each([
    ['default', { ...files, passwd: '' }, 'there is no "dockremap" in /etc/passwd (make it: useradd'],
    ['ann:nogroup', files, 'there is no "nogroup" in /etc/group'],
    ['', files, 'there is no name in /etc/passwd'],
    ['ann', { ...files, subuid: '' }, 'no subuid ranges found for user "ann": /etc/subuid needs a line such as ann:100000:65536'],
    ['ann', { ...files, subgid: 'ann:0:65536' }, 'no subgid ranges found for user "ann"'],
    ['ann', { ...files, subuid: 'ann:1:4294967295' }, 'no subuid ranges'],
    ['ann', { ...files, subuid: 'ann:x:5\nann:5\nann:-1:5\n' }, 'no subuid ranges'],
    ['ann', { ...files, subuid: 'ann:5:10\nann:14:1\n' }, 'the ranges of "ann" in /etc/subuid overlap at 14'],
    ['ann', { ...files, subuid: Array.from({ length: 341 }, (_, index) => `ann:${100000 + index}:1`).join('\n') }, 'the kernel takes 340'],
  ])('%s', (wish, given, says) => expect(() => idMapsOf(wish, given)).toThrow(says));
});

test('ids are told both ways, and what nobody has is nothing', () => {
  const { uids } = idMapsOf('ann', files);
  expect([0, 1999, 2000, 2999, 3000].map((id) => outsideId(uids, id))).toEqual([300000, 301999, 400000, 400999, undefined]);
  expect([300000, 400999, 0, 302000].map((id) => insideId(uids, id))).toEqual([0, 2999, undefined, undefined]);
});

test('a map as the kernel takes it', () => expect(idMapText(idMapsOf('ann', files).uids)).toBe('0 300000 2000\n2000 400000 1000\n'));

test('private maps share no id, and are as many as both files have room for', () => {
  const maps = privateIdMaps('pool', { subuid: 'pool:100000:200000\npool:1000000:65536\n', subgid: 'pool:100000:131072\n' });
  expect(maps.map(({ uids, gids }) => [uids[0]?.outside, gids[0]?.outside])).toEqual([[100000, 100000], [165536, 165536]]);
  expect(privateIdMaps('nobody', files)).toEqual([]);
});

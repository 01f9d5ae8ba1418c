import { expect, test } from 'vitest';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { UserNamespaceIds } from './user-namespace-ids.js';

const maps = (outside: number): IdMaps => ({ uids: [{ inside: 0, outside, size: 65536 }], gids: [{ inside: 0, outside, size: 65536 }] });
const ids = new UserNamespaceIds(maps(1), () => [maps(100000), maps(165536)], 'pool');
const holds = (outside: number, hasExited = false) => ({ ids: maps(outside), hasExited });

test('all containers of an engine have the same ids, one with the host\'s has none', () => {
  expect(ids.choose('engine', [holds(1)])).toEqual(maps(1));
  expect(ids.choose(undefined, [])).toBeUndefined();
});

test('a private one has the first range that nobody has, again when its holder has ended', () => {
  expect(ids.choose('private', [])).toEqual(maps(100000));
  expect(ids.choose('private', [holds(100000), { ids: undefined, hasExited: false }])).toEqual(maps(165536));
  expect(ids.choose('private', [holds(100000, true), holds(165536)])).toEqual(maps(100000));
});

test('without a range the lines that are missing are named', () => {
  expect(() => ids.choose('private', [holds(100000), holds(165536)])).toThrow('all 2 ranges of ids for private user namespaces are in use: give "pool" more in /etc/subuid');
  expect(() => new UserNamespaceIds(undefined, () => [], 'pool').choose('private', [])).toThrow('there are no ids for a private user namespace');
  expect(() => new UserNamespaceIds(undefined, () => [], 'pool').choose('engine', [])).toThrow('BERTH_USERNS_REMAP is not set');
});

import { test } from 'vitest';
import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { type VolumeCommand, volumeDecider } from './volume-decider.js';

const at = '2026-01-01T00:00:00.000000000Z';
const created: VolumeEvent = { type: 'VolumeCreated', name: 'cache', driver: 'local', labels: { a: '1' }, options: {}, anonymous: false, at };
const removed: VolumeEvent = { type: 'VolumeRemoved', name: 'cache', at };
type Create = Extract<VolumeCommand, { type: 'Create' }>;
const create = (wish: Partial<Create> = {}): VolumeCommand => ({ ...created, ...wish, type: 'Create' });
const remove: VolumeCommand = { type: 'Remove', name: 'cache', at };
const given = specify(volumeDecider);

test('a volume is created as asked', () => given().when(create()).then(created));
test('creating a volume that is there changes nothing', () => given(created).when(create({ labels: {} })).thenNothing());
test('a name that could be a path is refused', () => {
  given().when(create({ name: 'v'.repeat(256) })).thenRefused('invalid', /volume name is too long, names should be at most 255 characters/);
  for (const name of ['', 'a', '../up', 'a/b', '.hidden', '-x', 'a b', 'ab\n']) given().when(create({ name })).thenRefused('invalid', /invalid characters|too short/);
});
test('a driver or option that Berth lacks is refused', () => {
  given().when(create({ driver: 'nfs' })).thenRefused('not-found', /plugin "nfs" not found/);
  given().when(create({ options: { type: 'tmpfs' } })).thenRefused('invalid', /invalid option: "type"/);
});
test('a removed volume is gone, and its name free', () => {
  given(created).when(remove).then(removed);
  given(created, removed).when(remove).thenRefused('not-found', /no such volume/);
  given(created, removed).when(create()).then(created);
});
test('a volume that is confirmed is as it was', () => {
  const restored: VolumeEvent = { ...created, type: 'VolumeRestored', keptFor: 'c1', createdAt: at };
  given().when({ type: 'Confirm', name: 'cache', at }).thenNothing();
  given(created, removed).when({ type: 'Confirm', name: 'cache', at }).thenNothing();
  given(created).when({ type: 'Confirm', name: 'cache', at: 'later' }).then(created);
  given(created, removed, restored).when({ type: 'Confirm', name: 'cache', at: 'later' }).then({ ...restored, at: 'later' });
});
test('a volume created or removed twice is so once', () => idempotent(volumeDecider, [[], [created], [created, removed]], [create(), remove]));

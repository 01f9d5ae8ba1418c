import { describe, expect, test } from 'vitest';
import type { ContainerEvent, StartReason } from '#contracts/containers/events.js';
import { Chronicle } from './chronicle.js';
import { why } from './why.js';
import { at, chronicleOf, created, id, exit, keptRemoval, log, restored, started, toBeRestored } from './testing/log-of-web.js';

test('restarts are those of the policy since somebody last started it', () => {
  const restart = (start: number, reason: StartReason): ContainerEvent => ({ type: 'StartRequested', container: id, start, reason, at: at(12) });
  const restarts = (...events: ContainerEvent[]): unknown => chronicleOf(log(created, ...started, exit, ...events)).chronicle.containers.get(id)?.restarts;
  expect(restarts()).toBe(0);
  expect(restarts(restart(2, 'restart-policy'), restart(3, 'restart-policy'))).toBe(2);
  expect(restarts(restart(2, 'restart-policy'), restart(3, 'api'))).toBe(0);
});

describe('a container that comes back', () => {
  test('is there again under its new name, in what was frozen meanwhile, too, by whoever asked for it', () => {
    const { chronicle, candidates } = chronicleOf(toBeRestored());
    expect(chronicle.containers.size).toBe(0);
    expect(candidates).toMatchObject([{ id, gone: true }]);
    const thawed = Chronicle.from(JSON.parse(JSON.stringify(chronicle.freeze())) as ReturnType<Chronicle['freeze']>);
    const last = restored();
    for (const one of [chronicle, thawed]) {
      expect(one.see(last).gone).toEqual([]);
      expect(one.containers.get(id)).toMatchObject({ name: 'again', status: 'exited', restoredBy: 'uid:0 pid:7', created: { at: created.at } });
      expect(one.containers.get(id)).not.toHaveProperty('keptUntil');
    }
    expect(why(chronicle.containers.get(id)!, '2026-02-01T00:00:00Z')).toContain('uid:0 pid:7 brought it back');
  });

  test('stays no longer once it is discarded', () => {
    const { chronicle, candidates } = chronicleOf(log(created, ...keptRemoval, { type: 'ContainerDiscarded', container: id, reason: 'asked', at: at(30) }));
    expect(chronicle.freeze().containers).toEqual([]);
    expect(candidates).toMatchObject([{ id, gone: true }]);
  });
});

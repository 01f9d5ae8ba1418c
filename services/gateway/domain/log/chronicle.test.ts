import { describe, expect, test } from 'vitest';
import { Chronicle } from './chronicle.js';
import { why } from './why.js';
import { at, chronicleOf, created, id, keptRemoval, log, restored, toBeRestored } from './testing/log-of-web.js';

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

import { expect, test } from 'vitest';
import type { LoggedEvent } from './docker/events.js';
import { EngineTotals, type FrozenTotals } from './engine-totals.js';

const at = '2026-01-01T00:00:00.000Z';

test('events and states are counted, also on from what was put away in between', () => {
  const events: readonly LoggedEvent[] = [
    { type: 'ContainerCreated', container: 'a', name: 'web', config: {}, hostConfig: {}, imageId: '', imageRef: '', layers: [], path: '', args: [], mounts: [], at },
    { type: 'ExecCreated', exec: 'e', container: 'a', config: { args: ['ls'] } as never, at },
    { type: 'ContainerStarted', container: 'a', start: 1, pid: 1, at },
    { type: 'ContainerPaused', container: 'a', at },
    { type: 'ContainerRemoved', container: 'a', at },
  ];
  const whole = new EngineTotals();
  let pieces = new EngineTotals();
  for (const event of events) {
    whole.evolve([event]);
    pieces = EngineTotals.from(JSON.parse(JSON.stringify(pieces.freeze())) as FrozenTotals);
    pieces.evolve([event]);
    expect(pieces).toEqual(whole);
    expect(whole.containers('paused')).toBe(event.type === 'ContainerPaused' ? 1 : 0);
  }
  expect(whole.events).toBe(5);
});

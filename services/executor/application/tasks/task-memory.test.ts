import { expect, test } from 'vitest';
import type { Tasks } from '../launch/task-launcher.js';
import { TaskMemory } from './task-memory.js';

test('a start that is asked for again behind the removal of its container is known to be over, of the containers removed last', () => {
  const known = new Map<string, unknown>();
  const memory = new TaskMemory({ entries: () => known, forget: (id: string) => void known.delete(id) } as unknown as Tasks, () => true);
  for (let container = 0; container < 105; container++) {
    known.set(`c${container}-1`, { status: 'exited' });
    memory.removed(`c${container}`);
    expect(known.has(`c${container}-1`)).toBe(true);
  }
  expect([known.size, known.has('c4-1'), known.has('c5-1')]).toEqual([100, false, true]);
  // Back, and removed again after another run.
  known.set('c5-2', { status: 'exited' });
  memory.removed('c5');
  memory.removed('another');
  expect([known.has('c5-1'), known.has('c5-2'), known.has('c6-1')]).toEqual([true, true, false]);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LiveTask } from './live-task.js';
import { LiveTasks } from './live-tasks.js';

/** The frame of a PONG. */
const PONG = Buffer.from([1, 0, 0, 0, 104]);

test('a shim that has no place for the executor is asked again in a while, not at once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-crowded-'));
  const came: number[] = [];
  let last: Socket | undefined;
  const shim = createServer((socket) => {
    came.push(performance.now());
    if (came.length < 3) socket.destroy();
    else last = socket.on('data', () => socket.write(PONG)).on('error', () => undefined);
  });
  try {
    await new Promise<void>((resolve) => shim.listen(join(directory, 'shim.sock'), resolve));
    const told: string[] = [];
    const live = new LiveTasks(...([{}, {}, {}, {}, {}, {}, {}, { begin: () => undefined }, (error: Error) => told.push(error.message)] as unknown as ConstructorParameters<typeof LiveTasks>));
    const task = new LiveTask({ container: 'c'.repeat(64), start: 1 }, directory);
    await live.recover(task);
    expect(task.connection).toBeDefined();
    const [first = 0, second = 0, third = 0] = came;
    expect(came).toHaveLength(3);
    for (const pause of [second - first, third - second]) expect(pause).toBeGreaterThan(900);
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('has closed the connection');
    // The shim is not there to be connected to again.
    task.hasExited = true;
  } finally {
    last?.destroy();
    await new Promise((resolve) => shim.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  }
});

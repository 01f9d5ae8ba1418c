import { beforeEach, expect, test } from 'vitest';
import { ExecRuns } from './exec-runs.js';

const at = '2026-01-01T00:00:00.000Z';
const of = { container: 'c', start: 1, exec: 'e', at };

let runs: ExecRuns;
beforeEach(() => {
  runs = new ExecRuns(() => true, () => undefined);
});

/** Whether it is over by now, with nothing more to wait for than what was told already. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  return await Promise.race([wait.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))]);
}

test('who asks for an exit code before the start was told gets it, since a short exec\'s stream can be over by then', async () => {
  const wait = runs.ended('e', 60_000);
  expect(await isOver(wait)).toBe(false);
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  expect(await isOver(wait)).toBe(false);
  runs.see({ type: 'ExecExited', ...of, exitCode: 5 });
  await wait;
  expect(runs.get('e')).toMatchObject({ exitCode: 5, pid: 0 });
});
test('who asks whether it runs hears of its start, or of its end alone', async () => {
  const [begun, over] = [runs.told('e', 60_000), runs.told('f', 60_000)];
  expect(await isOver(begun)).toBe(false);
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  await begun;
  await runs.told('e', 60_000);
  expect(await isOver(over)).toBe(false);
  runs.see({ type: 'ExecExited', ...of, exec: 'f', exitCode: 127 });
  await over;
});
test('those that were created are listed until they have ended, or could not be started', () => {
  for (const exec of ['e', 'f', 'g']) runs.created(exec, 'c');
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  runs.created('e', 'c'); // told late
  expect(runs.listed('c').sort()).toEqual(['e', 'f', 'g']);
  expect(runs.running('c')).toEqual(['e']);
  runs.see({ type: 'ExecExited', ...of, exitCode: 0 });
  runs.see({ type: 'ExecExited', ...of, exec: 'f', exitCode: 127 });
  runs.neverStarted('g', 'c');
  runs.created('e', 'c');
  expect(runs.listed('c')).toEqual([]);
  runs.created('h', 'c');
  runs.forget('c');
  expect(runs.listed('c')).toEqual([]);
});
test('those that nobody started are gone when their container exits', () => {
  const forgotten: string[] = [];
  runs = new ExecRuns(() => true, (exec) => void forgotten.push(exec));
  for (const exec of ['e', 'f']) runs.created(exec, 'c');
  runs.created('other', 'd');
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  runs.see({ type: 'TaskExited', container: 'c', start: 1, exitCode: 0, signal: 0, oomKilled: false, keeperLost: false, at });
  expect([runs.listed('c'), runs.listed('d'), runs.get('e')?.exitCode, forgotten]).toEqual([[], ['other'], 137, ['f']]);
});
test('one that never started has an exit code, too', async () => {
  runs.see({ type: 'ExecExited', ...of, exitCode: 127 });
  await runs.ended('e', 60_000);
  expect(runs.get('e')?.exitCode).toBe(127);
});
test('nobody waits for what is gone with its container', async () => {
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  const wait = runs.ended('e', 60_000);
  runs.forget('c');
  await wait;
  expect(runs.get('e')).toBeUndefined();
});
test('one that was answered for runs, before the log tells of it; not one that is over by then', async () => {
  runs.begun('e', 'c', 7);
  expect(runs.get('e')).toMatchObject({ exitCode: null, pid: 7 });
  await runs.told('e', 60_000);
  runs.see({ type: 'ExecExited', ...of, exitCode: 5 });
  runs.begun('e', 'c', 7);
  expect(runs.get('e')).toMatchObject({ exitCode: 5 });
});

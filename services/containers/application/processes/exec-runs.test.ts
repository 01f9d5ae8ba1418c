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

const check = { container: 'c', config: { args: ['true'], env: [], user: '', workingDir: '', terminal: false, attachStdin: false, attachStdout: true, attachStderr: true, privileged: false, detachKeys: '' } };

test('a health check is listed while it is under way, and known when it has ended', () => {
  runs.checkCreated('h', check);
  expect([runs.listed('c'), runs.running('c'), runs.check('h')]).toEqual([['h'], [], check]);
  runs.begun('h', 'c', 8);
  expect([runs.listed('c'), runs.get('h')]).toEqual([['h'], { container: 'c', pid: 8, exitCode: null }]);
  runs.checkOver('h', 3);
  runs.checkOver('h', undefined);
  expect([runs.listed('c'), runs.get('h')?.exitCode, runs.check('h')]).toEqual([[], 3, check]);
});
test.each([['never began', false], ['began', true]])('a health check that %s, and of whose end nobody knows, is forgotten', (_, began) => {
  runs.checkCreated('h', check);
  if (began) runs.begun('h', 'c', 8);
  runs.checkOver('h', undefined);
  expect([runs.listed('c'), runs.get('h'), runs.check('h')]).toEqual([[], undefined, undefined]);
});
test('a health check is over with its container, or its removal', () => {
  for (const exec of ['h', 'i']) runs.checkCreated(exec, check);
  runs.begun('h', 'c', 8);
  runs.see({ type: 'TaskExited', container: 'c', start: 1, exitCode: 0, signal: 0, oomKilled: false, keeperLost: false, at });
  runs.checkOver('h', undefined);
  expect([runs.listed('c'), runs.get('h')?.exitCode, runs.check('i')]).toEqual([[], 137, undefined]);
  runs.forget('c');
  expect(runs.check('h')).toBeUndefined();
});
test('a snapshot has no health check: who starts from it would never hear of its end', () => {
  for (const exec of ['h', 'i']) {
    runs.checkCreated(exec, check);
    runs.begun(exec, 'c', 8);
  }
  runs.checkOver('i', 0);
  runs.see({ type: 'ExecStarted', ...of, pid: 7 });
  const later = new ExecRuns(() => true, () => undefined);
  later.thaw(JSON.parse(JSON.stringify(runs.freeze())));
  expect([later.listed('c'), later.get('h'), later.get('i')]).toEqual([['e'], undefined, undefined]);
});

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runningProcess } from '../../services/engine/supervisor/process-file.js';
import type { Program } from '../../services/engine/supervisor/program.js';
import { patience } from '../engine/patience.js';
import { privateEnvironment } from '../engine/private-environment.js';

/** Tests run compiled: from dist/test/e2e up to the sources. */
const SETUP = join(import.meta.dirname, '../../../services/engine/setup');
const id = randomBytes(3).toString('hex');
const dataRoot = mkdtempSync('/var/tmp/berth-test-');
const runRoot = `/run/berth-test-${id}`;
const record = join(runRoot, 'pids/arrangement');
let own: Record<string, string>;
beforeAll(async () => {
  own = await privateEnvironment(id, dataRoot);
});
afterAll(async () => {
  await script('stop.mjs', own, '--all');
  for (const root of [dataRoot, runRoot]) rmSync(root, { recursive: true, force: true });
}, patience(180_000));

/** `npm start` or `npm stop`, and all it said. */
function script(name: string, environment: Record<string, string>, ...args: string[]): Promise<{ readonly code: number; readonly said: string }> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: dataRoot, BERTH_NATS_SERVER: process.env['BERTH_NATS_SERVER'] ?? '', ...environment };
  return new Promise((resolve) => void execFile(process.execPath, [join(SETUP, name), ...args], { env }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr })));
}

const start = (more: Record<string, string> = {}) => script('start.mjs', { ...own, ...more });
const pids = (): (number | undefined)[] => ['supervisor', 'nats', 'executor', 'engine'].map((name) => runningProcess(join(runRoot, 'pids', name))?.pid);
function killSupervisor(): void {
  const supervisor = runningProcess(join(runRoot, 'pids/supervisor'));
  if (supervisor === undefined) throw new Error('no supervisor runs');
  process.kill(supervisor.pid, 'SIGKILL');
}

/** As if the engine that runs were of sources that have changed since. */
function age(): void {
  const arrangement = JSON.parse(readFileSync(record, 'utf8')) as { readonly program: Program };
  writeFileSync(record, JSON.stringify({ ...arrangement, program: { ...arrangement.program, code: 'of yesterday' } }));
}

test('npm start says ready of what runs the code that is there, with the settings that are given', async () => {
  expect(await start()).toMatchObject({ code: 0, said: expect.stringContaining('ready at') as string });
  const first = pids();
  expect(first).not.toContain(undefined);
  expect(await start()).toMatchObject({ code: 0, said: expect.not.stringContaining('stopping') as string });
  expect(pids()).toEqual(first);

  const given = { BERTH_UNDO_SECONDS: '77' };
  expect(await start(given)).toMatchObject({ code: 0, said: expect.stringContaining('stopping the engine that runs without BERTH_UNDO_SECONDS as given now') as string });
  const second = pids();
  for (const pid of second) expect(first).not.toContain(pid);
  expect(readFileSync(`/proc/${second[3]}/environ`, 'utf8')).toContain('BERTH_UNDO_SECONDS=77\0');
  expect(await start()).toMatchObject({ code: 0, said: expect.stringContaining('goes on with what it was started with: BERTH_UNDO_SECONDS') as string });
  expect(pids()).toEqual(second);

  age();
  expect(await start()).toMatchObject({ code: 1, said: expect.stringContaining('was started with settings that are not given now: BERTH_UNDO_SECONDS') as string });
  expect(pids()).toEqual(second);
  expect(await start(given)).toMatchObject({ code: 0, said: expect.stringContaining('stopping the engine that runs what was built before') as string });
  const third = pids();
  for (const pid of third) expect(second).not.toContain(pid);

  // A supervisor that is gone left them: its successor takes on what is as it would be started now, and nothing else.
  killSupervisor();
  expect((await start(given)).code).toBe(0);
  const fourth = pids();
  expect(fourth).not.toContain(undefined);
  expect(fourth.slice(1)).toEqual(third.slice(1));
  killSupervisor();
  age();
  expect((await start(given)).code).toBe(0);
  for (const pid of pids()) expect(fourth).not.toContain(pid);
}, patience(300_000));

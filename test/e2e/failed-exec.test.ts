import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLines, lineOfShim } from '../../services/executor/adapters/shim/command-lines.js';
import type { Failpoints } from '../chaos/failpoints.js';
import type { TestEngine } from '../engine/engine.js';
import { type FailingEngine, startFailingEngine } from '../engine/failing-engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';
import { runAtOnce } from './commands-at-once.js';

const MISSING = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown\r\n';

let failing: FailingEngine;
let engine: TestEngine;
let failpoints: Failpoints;
beforeAll(async () => {
  failing = await startFailingEngine();
  ({ engine, failpoints } = failing);
  await docker('run', '-d', '--name', 'inside', '--network', 'none', 'busybox', 'sleep', '1000');
}, patience(120_000));
afterAll(() => failing?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);

async function exec(...command: string[]): Promise<string> {
  const { text } = await http(engine.socket, 'POST', '/containers/inside/exec', { Cmd: command, AttachStdout: true });
  return (JSON.parse(text) as { Id: string }).Id;
}

/** Once it runs: it may be on its way back. */
async function pidOf(process: 'executor' | 'engine'): Promise<number> {
  await expect.poll(() => engine.pid(process), { timeout: patience(10_000) }).toBeDefined();
  return engine.pid(process)!; // the poll has seen it
}

const start = async (id: string): Promise<string> => (await http(engine.socket, 'POST', `/exec/${id}/start`, {})).text;

async function inspected(id: string): Promise<{ Running: boolean; ExitCode: number | null }> {
  return JSON.parse((await http(engine.socket, 'GET', `/exec/${id}/json`)).text) as { Running: boolean; ExitCode: number | null };
}

// As a current dockerd ends; 20.10 ends all of these with 126.
test.each([
  [127, ['inside', 'nosuch']],
  [127, ['inside', '/no/such']],
  [127, ['inside', '/etc/passwd/file']],
  [126, ['inside', '/etc/passwd']],
  [1, ['--user', 'nobody-there', 'inside', 'true']], // refused at its creation
  [128, ['--workdir', 'relative', 'inside', 'true']],
])('an exec that cannot be executed ends with %i: %j', async (code, args) => {
  expect(await docker('exec', ...args)).toMatchObject({ code });
});

test.each(['exec.before', 'exec.reported'])('one that cannot be executed is told so and ends with 127, too, when its executor dies at %s', async (place) => {
  const id = await exec('nosuch');
  const executor = await pidOf('executor');
  await failpoints.order(engine, 'executor', executor, `${place}@1=crash`);
  expect(await start(id)).toContain(MISSING);
  expect(failpoints.crashedAt(executor)).toBe(place);
  expect(await inspected(id)).toMatchObject({ Running: false, ExitCode: 127 });
  expect(await docker('exec', 'inside', 'echo', 'here')).toMatchObject({ stdout: 'here\n', code: 0 });
}, patience(60_000));

test('one that nobody could be asked for ends with 126 and the reason, and has run', async () => {
  const services = await pidOf('engine');
  await failpoints.order(engine, 'engine', services, 'request.executor.launch-exec.before@1=error');
  const id = await exec('true');
  expect(await start(id)).toContain('failpoint request.executor.launch-exec.before, hit 1\r\n');
  expect(await inspected(id)).toMatchObject({ Running: false, ExitCode: 126 });
  expect(await start(id)).toContain(`exec command ${id} has already run\r\n`);
  await failpoints.order(engine, 'engine', services, 'request.executor.launch-exec.before@1=error');
  expect(await docker('exec', 'inside', 'true')).toMatchObject({ code: 126 });
  await failpoints.disarm(engine, 'engine', services);
  expect(await docker('exec', 'inside', 'true')).toMatchObject({ code: 0 });
});

test('what was created is listed with its container by a later engine, too, and what could not be started is not', async () => {
  const listed = async (): Promise<string> => (await docker('inspect', '-f', '{{json .ExecIDs}}', 'inside')).stdout;
  expect(await listed()).toBe('null\n');
  const id = await exec('true');
  process.kill(await pidOf('engine'), 'SIGKILL');
  await expect.poll(listed, { timeout: patience(20_000) }).toBe(`["${id}"]\n`);
  await start(id);
  await expect.poll(listed).toBe('null\n');
}, patience(40_000));

test('one whose answer was lost, and which runs, is heard to its end', async () => {
  const services = await pidOf('engine');
  await failpoints.order(engine, 'engine', services, 'request.executor.launch-exec.after@1=error');
  expect(await docker('exec', 'inside', 'sh', '-c', 'sleep 0.5; echo heard; exit 3')).toEqual({ stdout: 'heard\n', stderr: '', code: 3 });
});

test('one whose start the log did not take ends, with its own code', async () => {
  await failpoints.order(engine, 'executor', await pidOf('executor'), 'append.before@1=error');
  const id = await exec('sh', '-c', 'sleep 0.1; exit 3');
  await start(id);
  expect(await inspected(id)).toMatchObject({ Running: false, ExitCode: 3 });
});

test('a container whose shim is lost before its start is on record is ended', async () => {
  await failpoints.order(engine, 'executor', await pidOf('executor'), 'append.before@2=delay:2000');
  const { stdout } = await docker('run', '-d', '--name', 'keeperless', 'busybox', 'sleep', '1000');
  const [shim] = commandLines().find(([, line]) => line.startsWith(lineOfShim(`${engine.settings.runRoot}/tasks/${stdout.trim()}-1`))) ?? [];
  process.kill(shim!, 'SIGKILL'); // it runs
  expect(await docker('wait', 'keeperless')).toMatchObject({ stdout: '255\n' });
  await docker('rm', 'keeperless');
}, patience(60_000));

test('one that ends while its executor is away ends with its own code', async () => {
  const [supervisor, executor] = [engine.pid('supervisor')!, await pidOf('executor')];
  const id = await exec('sh', '-c', 'echo begun; while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 3');
  const ended = start(id);
  await expect.poll(async () => (await inspected(id)).Running, { timeout: patience(5_000) }).toBe(true);
  const pid = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'inside')).stdout);
  // Else it brings the executor back.
  process.kill(supervisor, 'SIGSTOP');
  try {
    process.kill(executor, 'SIGKILL');
    writeFileSync(`/proc/${pid}/root/tmp/go`, '');
    // As long as a stream is held back for the exit code where there is an executor, and some more.
    expect(await Promise.race([ended, sleep(6_000, 'held back')])).toBe('held back');
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
  expect(await ended).toContain('begun');
  expect(await inspected(id)).toMatchObject({ Running: false, ExitCode: 3 });
}, patience(60_000));

test('a command line of more than a mebibyte is no hindrance, in a container or an exec', async () => {
  const long = Array.from({ length: 13 }, () => 'x'.repeat(100_000));
  expect(await docker('exec', 'inside', 'sh', '-c', 'echo $#', 'sh', ...long)).toMatchObject({ stdout: '13\n', code: 0 });
  expect(await docker('run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'echo $#', 'sh', ...long)).toMatchObject({ stdout: '13\n', code: 0 });
});

test('a command with a NUL is refused, and the executor lives', async () => {
  const before = await pidOf('executor');
  const id = await exec('echo', 'a\0b');
  expect(await start(id)).toContain('NUL in');
  expect(await inspected(id)).toMatchObject({ Running: false });
  expect(await docker('exec', 'inside', 'echo', 'on')).toMatchObject({ stdout: 'on\n', code: 0 });
  expect(await pidOf('executor')).toBe(before);
});

test('twenty commands run in a container at once', () => runAtOnce(engine, 'inside', 20), patience(60_000));

import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask } from '../chaos/api.js';
import { differences } from '../chaos/oracle/oracle.js';
import { until } from '../chaos/settled.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** The log has a small file system of its own, so that nothing else is full when it is; and so have the records that processes write, the supervisor's too. */
const ON_TMPFS =
  'mkdir -p "$BERTH_DATA_ROOT/nats" "$BERTH_DATA_ROOT/logs" && mount -t tmpfs -o size=32m,mode=700 tmpfs "$BERTH_DATA_ROOT/nats" && mount -t tmpfs -o size=1m,mode=755 tmpfs "$BERTH_DATA_ROOT/logs" && exec 2>> "$BERTH_DATA_ROOT/logs/supervisor.log"';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({}, ON_TMPFS);
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
/** As nats-server sees it. */
const inside = (path: string): string => `/proc/${engine.pid('nats')}/root${engine.settings.dataRoot}/${path}`;
const filler = (): string => inside('nats/filler');

function fill(path = filler()): void {
  const file = openSync(path, 'a');
  try {
    for (const chunk of [Buffer.alloc(1 << 20), Buffer.alloc(4096)]) for (;;) writeSync(file, chunk);
  } catch {
    fillRest(file);
  } finally {
    closeSync(file);
  }
}

function fillRest(file: number): void {
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}
const post = (path: string, body?: object): Request => ({ method: 'POST', path, ...(body && { body }) });
/** Each changes something. */
const CHANGES: readonly Request[] = [
  post('/containers/create?name=new', { Image: 'busybox', Cmd: ['true'] }),
  post('/containers/idle/start'),
  post('/containers/idle/rename?name=renamed'),
  { method: 'DELETE', path: '/containers/idle' },
  { method: 'DELETE', path: '/containers/busy?force=1' },
  post('/containers/busy/pause'),
  post('/containers/busy/kill?signal=USR1'),
  post('/containers/busy/stop?t=1'),
  post('/containers/busy/restart?t=1'),
  post('/containers/busy/update', { Memory: 64 << 20 }),
  post('/containers/busy/exec', { Cmd: ['true'] }),
  post('/volumes/create', { Name: 'new' }),
  { method: 'DELETE', path: '/volumes/kept' },
  post('/images/busybox/tag?repo=other&tag=one'),
  { method: 'DELETE', path: '/images/hello' },
];

/** What clients see of all that is there. */
async function world(): Promise<unknown> {
  const get = async (path: string): Promise<unknown> => JSON.parse((await ask(engine.socket, 'GET', path)).body);
  const { State, HostConfig } = (await get('/containers/busy/json')) as { State: { Pid: number }; HostConfig: object };
  const containers = ((await get('/containers/json?all=1')) as { Names: string[]; State: string }[]).map(({ Names, State: state }) => ({ Names, state }));
  const { memory_stats } = (await get('/containers/busy/stats?stream=0&one-shot=1')) as { memory_stats: { limit: number } };
  return { State, HostConfig, limit: memory_stats.limit, containers, volumes: await get('/volumes'), images: await get('/images/json') };
}

test('a log whose disk is full refuses each change plainly, does none by half, and goes on when there is room', async () => {
  for (const args of [['create', '--name', 'idle', 'busybox', 'true'], ['create', '--name', 'shield', 'busybox', 'true'], ['volume', 'create', 'kept'], ['run', '-d', '--name', 'busy', '--memory', '32m', 'busybox', 'sleep', '1000'], ['run', '-d', '--name', 'doomed', 'busybox', 'sleep', '1000']]) {
    expect(await docker(...args)).toMatchObject({ code: 0 });
  }
  const doomed = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'doomed')).stdout);
  fill();
  // The last page of the log's file has room for some more, and where that is no room for a volume, for what is as short as commits can be.
  for (let count = 0; (await ask(engine.socket, 'POST', '/volumes/create', { Name: `filling-${count}` })).status === 201; count++) expect(count).toBeLessThan(200);
  for (let count = 0; (await ask(engine.socket, 'POST', `/berth/containers/shield/${count % 2 === 0 ? 'protect' : 'unprotect'}`)).status < 300; count++) expect(count).toBeLessThan(20);

  const before = await world();
  for (const { method, path, body } of CHANGES) {
    const answer = await ask(engine.socket, method, path, body);
    expect({ path, ...answer, message: (JSON.parse(answer.body) as { message: string }).message }).toMatchObject({ path, status: 503, message: expect.stringMatching(/^the log is full, nothing was changed: free space where nats-server keeps it/) });
  }
  expect(await world()).toEqual(before);
  // What happens by itself is told later.
  process.kill(doomed, 'SIGKILL');

  rmSync(filler());
  await until('the exit is known', async () => (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'doomed')).stdout === 'exited 137\n', 30_000);
  for (const { method, path, body } of [...CHANGES].filter(({ path }) => !/restart|idle\/(start|rename)|busy\?force/.test(path))) {
    const { status, body: text } = await ask(engine.socket, method, path, body);
    // A paused container takes no exec, a stopped one no update of what runs: that is an answer of the engine that works.
    expect([200, 201, 204, 409], `${method} ${path}: ${status} ${text}`).toContain(status);
  }
  expect(await docker('run', '--rm', 'busybox', 'echo', 'again')).toEqual({ stdout: 'again\n', stderr: '', code: 0 });
  // The mounts are the test's own.
  const odd = async (): Promise<string[]> => (await differences(engine.settings)).filter((difference) => !/^a mount at \S+\/(nats|logs) /.test(difference));
  await until('the host is as the log says', async () => (await odd()).length === 0, 15_000).catch(async () => expect(await odd()).toEqual([]));
}, patience(120_000));

test.skipIf(!existsSync('/usr/sbin/mkfs.ext4'))('an engine that starts on a disk full to the last block comes up, and gives room back as it is asked to', async () => {
  const top = mkdtempSync('/var/tmp/berth-test-full-');
  chmodSync(top, 0o711); // not root alone goes in
  const [disk, place] = [join(top, 'disk'), join(top, 'mounted')];
  execFileSync('truncate', ['--size', '128M', disk]);
  execFileSync('mkfs.ext4', ['-q', '-m', '0', disk]);
  mkdirSync(place);
  execFileSync('mount', ['-o', 'loop', disk, place]);
  mkdirSync(join(place, 'root'));
  const full = await startEngine({ BERTH_DATA_ROOT: join(place, 'root') }).catch((error: unknown) => {
    execFileSync('umount', [place]);
    throw error;
  });
  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await full.docker(args);
    expect({ args, code, stderr }).toMatchObject({ code: 0 });
    return stdout.trim();
  };
  try {
    await full.loadBusybox();
    await done('run', '-d', '--name', 'busy', 'busybox', 'sleep', '1000');
    await done('create', '--name', 'idle', 'busybox', 'true');
    await done('run', '--name', 'large', 'busybox', 'dd', 'if=/dev/zero', 'of=/large', 'bs=1M', 'count=16');
    await full.down();
    fill(join(place, 'filler'));
    await full.up();
    expect(await done('inspect', '--format', '{{.State.Status}}', 'busy')).toBe('running');
    const create = () => ask(full.socket, 'POST', '/containers/create', { Image: 'busybox' });
    // The last page of the log's file has room for some more.
    for (let count = 0; (await create()).status === 201; count++) expect(count).toBeLessThan(200);
    const refused = { status: 503, body: expect.stringContaining('the log is full, nothing was changed: free space where nats-server keeps it') };
    expect(await create()).toMatchObject(refused);
    await done('stop', '-t', '0', 'busy');
    await done('rm', 'idle');
    expect(await create()).toMatchObject(refused);
    await done('rm', 'large');
    await until('there is room', async () => (await full.docker(['run', '--rm', 'busybox', 'true'])).code === 0, 30_000);
  } finally {
    await full.stop().finally(() => execFileSync('umount', [place]));
    rmSync(top, { recursive: true });
  }
}, patience(120_000));

test('where no record can be written, records are lost, and no process; with room there are records again', async () => {
  for (const name of ['filler', 'supervisor.log', 'executor.log', 'engine.log']) fill(inside(`logs/${name}`));
  const before = (['supervisor', 'nats', 'engine'] as const).map((name) => engine.pid(name));
  const policyReadAgain = (): void => void process.kill(engine.pid('supervisor') ?? 0, 'SIGHUP');
  const executor = engine.pid('executor') ?? 0;
  policyReadAgain(); // of which the engine says a word
  process.kill(executor, 'SIGKILL'); // of which the supervisor does
  await until('the executor is back', () => Promise.resolve(![undefined, executor].includes(engine.pid('executor'))), 20_000);
  expect(await docker('run', '--rm', 'busybox', 'echo', 'still')).toEqual({ stdout: 'still\n', stderr: '', code: 0 });
  expect((['supervisor', 'nats', 'engine'] as const).map((name) => engine.pid(name))).toEqual(before);
  const { size } = statSync(inside('logs/engine.log'));
  rmSync(inside('logs/filler'));
  policyReadAgain();
  await until('a record is written', () => Promise.resolve(statSync(inside('logs/engine.log')).size > size), 20_000);
}, patience(60_000));

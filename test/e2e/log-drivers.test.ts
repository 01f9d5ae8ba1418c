import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDockerd } from '../bench/private-dockerd.js';
import { datagramServer } from '../fixtures/datagram-server.js';
import { LineServer } from '../fixtures/line-server.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

const DOCKERD = '/usr/sbin/dockerd';
const JOURNAL = '/run/systemd/journal';
const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;
/** What forwarding may add to the executor, however much is written. */
const MOST_GROWTH_KIB = 64 * 1024;

let directory: string;
let engine: TestEngine;
const hadJournal = existsSync(JOURNAL);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-drivers-'));
  // The journal that the engine finds is this test's.
  engine = await startEngine({}, `mkdir -p ${JOURNAL} && mount --bind ${directory} ${JOURNAL}`);
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
  if (!hadJournal && existsSync(JOURNAL)) rmdirSync(JOURNAL);
  rmSync(directory, { recursive: true, force: true });
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const syslog = (address: string, ...options: string[]): string[] => ['--log-driver', 'syslog', ...[`syslog-address=${address}`, ...options].flatMap((option) => ['--log-opt', option])];
const until = (count: () => number, wanted: number): Promise<void> => expect.poll(count, { timeout: patience(20_000) }).toBeGreaterThanOrEqual(wanted);

test('a syslog is sent what a container says, beside its log, up to the last line of one that is removed with its end', async () => {
  const server = await LineServer.listen(0);
  const said = await docker('run', '--rm', '--name', 'web', ...syslog(`tcp://127.0.0.1:${server.port}`, 'tag={{.Name}}', 'syslog-format=rfc5424micro'), 'busybox', 'sh', '-c', 'echo out; echo err >&2; printf last');
  expect(said).toMatchObject({ code: 0, stdout: 'out\nlast', stderr: 'err\n' });
  // It is gone, and all was sent before.
  await until(() => server.lines.length, 3);
  expect(server.lines.map((line) => line.replace(/^(<\d+>)1 \S+T\S+Z? \S+ web \d+ web - /, '$1')).toSorted()).toEqual(['<27>err', '<30>last', '<30>out']);
  await server.close();
});

test('what is sent elsewhere is read as ever, unless the cache is off, and has no path', async () => {
  const address = 'udp://127.0.0.1:1'; // nobody
  await docker('run', '--name', 'kept', ...syslog(address), 'busybox', 'echo', 'hi');
  expect(await docker('logs', 'kept')).toMatchObject({ stdout: 'hi\n', code: 0 });
  expect((await docker('inspect', '--format', '{{.HostConfig.LogConfig.Type}} [{{.LogPath}}]', 'kept')).stdout).toBe('syslog []\n');
  await docker('run', '--name', 'unkept', ...syslog(address, 'cache-disabled=true'), 'busybox', 'echo', 'hi');
  expect((await docker('logs', 'unkept')).stderr).toContain('configured logging driver does not support reading');
  await docker('rm', 'kept', 'unkept');
});

test.each([
  [syslog('tcp://127.0.0.1:1'), 'failed to initialize logging driver: dial tcp 127.0.0.1:1: connect: connection refused'],
  [syslog('unix:///nowhere'), 'failed to initialize logging driver: dial unix /nowhere: connect: no such file or directory'],
  [['--log-driver', 'journald'], 'failed to initialize logging driver: journald is not enabled on this host'],
])('with %j nothing starts, and says why', async (options, says) => {
  await docker('create', '--name', 'mute', ...options, 'busybox', 'true');
  expect((await docker('start', 'mute')).stderr).toContain(says);
  expect((await docker('inspect', '--format', '{{.State.Status}}', 'mute')).stdout).toBe('created\n');
  await docker('rm', 'mute');
});

test('a journal is sent each line with the container\'s fields', async () => {
  const journal = await datagramServer(join(directory, 'socket'));
  await docker('run', '-d', '--name', 'scribe', '--label', 'team.name=web', '--log-driver', 'journald', '--log-opt', 'labels=team.name', 'busybox', 'sh', '-c', 'echo out; echo err >&2; head -c 20000 /dev/zero | tr "\\0" x; echo');
  await docker('wait', 'scribe');
  await until(() => journal.messages.length, 4);
  const id = (await docker('inspect', '--format', '{{.Id}}', 'scribe')).stdout.trim();
  const entries = journal.messages.map((message) => Object.fromEntries(message.trimEnd().split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])));
  const of = { CONTAINER_ID: id.slice(0, 12), CONTAINER_ID_FULL: id, CONTAINER_NAME: 'scribe', CONTAINER_TAG: id.slice(0, 12), IMAGE_NAME: 'busybox', SYSLOG_IDENTIFIER: id.slice(0, 12), TEAM_NAME: 'web', SYSLOG_TIMESTAMP: expect.stringMatching(/Z$/) as string };
  expect(entries).toContainEqual({ ...of, MESSAGE: 'out', PRIORITY: '6' });
  expect(entries).toContainEqual({ ...of, MESSAGE: 'err', PRIORITY: '3' });
  const pieces = entries.filter(({ CONTAINER_PARTIAL_ID }) => CONTAINER_PARTIAL_ID !== undefined);
  const { CONTAINER_PARTIAL_ID: line = '', SYSLOG_TIMESTAMP: since = '' } = pieces[0] ?? {};
  expect(line).toMatch(/^[0-9a-f]{64}$/);
  const piece = { ...of, PRIORITY: '6', CONTAINER_PARTIAL_ID: line, SYSLOG_TIMESTAMP: since };
  expect(pieces).toEqual([
    { ...piece, MESSAGE: 'x'.repeat(16_384), CONTAINER_PARTIAL_ORDINAL: '1', CONTAINER_PARTIAL_LAST: 'false', CONTAINER_PARTIAL_MESSAGE: 'true' },
    { ...piece, MESSAGE: 'x'.repeat(20_000 - 16_384), CONTAINER_PARTIAL_ORDINAL: '2', CONTAINER_PARTIAL_LAST: 'true' },
  ]);
  expect((await docker('logs', 'scribe')).stderr).toBe('err\n');
  await docker('rm', 'scribe');
  await journal.stop();
  rmSync(journal.path, { force: true });
});

test('nothing is missing and next to nothing there twice, however often the executor dies, the receiver goes, and the log is rotated', async () => {
  const path = join(directory, 'syslog');
  let server = await LineServer.listen(path);
  const all: string[] = [];
  const lines = 30_000;
  const writer = `awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${lines}; i++) { printf "%08d %s\\n", i, filling; if (i % 500 == 0) { fflush(); system("sleep 0.05") } } }'`;
  await docker('run', '-d', '--name', 'chatty', ...syslog(`unix://${path}`, 'cache-max-size=1m', 'cache-max-file=6'), 'busybox', 'sh', '-c', writer);
  let kills = 0;
  for (const target of [2_000, 5_000, 10_000, 15_000]) {
    await until(() => all.length + server.lines.length, target);
    if (target === 10_000) {
      await server.close();
      all.push(...server.lines);
      server = await LineServer.listen(path);
      continue;
    }
    const executor = engine.pid('executor') ?? 0;
    process.kill(executor, 'SIGKILL');
    kills++;
    await expect.poll(() => engine.pid('executor') ?? executor, { timeout: patience(20_000) }).not.toBe(executor);
  }
  await docker('wait', 'chatty');
  const numbers = (): number[] => [...all, ...server.lines].map((line) => Number(/: (\d{8}) /.exec(line)?.[1]));
  await until(() => new Set(numbers()).size, lines);
  expect(numbers().length - lines).toBeLessThanOrEqual(kills);
  await docker('rm', 'chatty');
  await server.close();
}, patience(120_000));

test('of 20 MB that go to a syslog the executor keeps nothing, and one that reads nothing holds up neither container nor engine', async () => {
  const server = await LineServer.listen(join(directory, 'slow'));
  const executor = engine.pid('executor') ?? 0;
  const peakKib = (): number => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${executor}/status`, 'utf8'))?.[1]);
  writeFileSync(`/proc/${executor}/clear_refs`, '5');
  const before = peakKib();
  const lines = 200_000;
  await docker('run', '-d', '--name', 'heavy', ...syslog(`unix://${join(directory, 'slow')}`), 'busybox', 'sh', '-c', `echo first; awk 'BEGIN { filling = sprintf("%90s", "."); for (i = 0; i < ${lines}; i++) printf "%08d %s\\n", i, filling }'`);
  await until(() => server.lines.length, 1);
  server.pause(true);
  expect(await docker('wait', 'heavy')).toMatchObject({ stdout: '0\n' });
  expect(await docker('run', '--rm', 'busybox', 'echo', 'at once')).toMatchObject({ stdout: 'at once\n' });
  expect((await docker('logs', '--tail', '1', 'heavy')).stdout).toMatch(/^00199999 /);
  server.pause(false);
  await expect.poll(() => server.lines.length, { timeout: patience(60_000) }).toBe(lines + 1);
  expect(peakKib() - before, 'what the executor has grown by, in KiB').toBeLessThan(MOST_GROWTH_KIB);
  await docker('rm', 'heavy');
  await server.close();
}, patience(120_000));

test.skipIf(!existsSync(DOCKERD))('a syslog is told by Berth what dockerd tells it', async () => {
  const path = join(directory, 'compared');
  const dockerd = await startDockerd(DOCKERD);
  try {
    const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
    const theirs = (args: readonly string[], input?: Buffer): string => execFileSync(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['--host', `unix://${dockerd.socket}`, ...args], { encoding: 'utf8', maxBuffer: 64 << 20, ...(input ? { input } : { stdio: 'ignore' }) });
    theirs(['load', '--quiet'], busyboxImageTar());
    for (const format of ['', 'rfc3164', 'rfc5424', 'rfc5424micro']) {
      const command = ['run', '-d', '--name', 'said', ...syslog(`unix://${path}`, 'tag={{.Name}}/{{.ImageName}}/{{.DaemonName}}', 'syslog-facility=local3', ...(format ? [`syslog-format=${format}`] : [])), 'busybox', 'sh', '-c', 'echo out; echo; printf "a\\tb\\n"; printf end'];
      const heard = async (run: () => unknown): Promise<readonly string[]> => {
        const server = await LineServer.listen(path);
        await run();
        await until(() => server.lines.length, 3);
        await server.close();
        return server.lines.map((line) => line.replaceAll(/\d+(?=\]:)|(?<=docker )\d+/g, 'PID').replaceAll(/\d\d:\d\d:\d\d(\.\d{6})?|(?<=T)\S+Z/g, (time) => time.replaceAll(/\d/g, 'N')));
      };
      const dockers = await heard(() => theirs(command));
      theirs(['rm', '-f', 'said']);
      const berths = await heard(() => docker(...command));
      await docker('rm', '-f', 'said');
      expect(berths).toEqual(dockers);
    }
  } finally {
    await dockerd.stop();
  }
}, patience(120_000));

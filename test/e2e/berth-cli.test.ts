import { execFileSync, spawn } from 'node:child_process';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsEnvironment } from '../../services/engine/settings.js';
import { berthOf } from '../engine/berth-commands.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';

const MAIN = fileURLToPath(new URL('../../services/cli/main.js', import.meta.url));

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
});
afterAll(() => engine?.stop());

const berth = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> => berthOf(engine, args, environment);

test('a container is told of from its start to after its removal', async () => {
  expect((await engine.docker(['run', '--name', 'web', 'busybox', 'sh', '-c', 'exit 7'])).code).toBe(7);
  const then = new Date().toISOString();
  expect(await berth(['why', 'web'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^web is exited since \S+ UTC with code 7: its command ended by itself with an error; its restart policy is no\.\n$/) });
  const run = (await berth(['show', 'web', '--as', 'run'])).stdout;
  expect(run).toMatch(/^docker run -d --name web .*busybox sh -c 'exit 7'\n$/);

  expect((await engine.docker(['rm', 'web'])).code).toBe(0);
  expect(JSON.parse((await berth(['ps', '--json'])).stdout)).toEqual([]);
  expect(JSON.parse((await berth(['ps', '--json', '--at', then])).stdout)).toMatchObject([{ name: 'web', status: 'exited', exit: { exitCode: 7 } }]);
  expect((await berth(['inspect', 'web', '--at', then])).stdout).toContain('exited (7)');

  const { stdout, code } = await berth(['history', 'web', '--json']);
  expect(code).toBe(0);
  const entries = stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: string; actor: string });
  const told = entries.map(({ event }) => event);
  for (const event of ['NameClaimed', 'ContainerCreated', 'TaskStarted', 'ContainerExited', 'ContainerRemoved']) expect(told).toContain(event);
  expect(entries[0]?.actor).toMatch(/^uid:0 pid:\d+$/);
});

test('what show tells makes the same container again', async () => {
  await engine.docker(['create', '--name', 'base', '-h', 'db', '--network', 'none', 'busybox', 'sleep', '100']);
  await engine.docker(['commit', '-c', 'ENTRYPOINT ["sleep"]', '-c', 'WORKDIR /tmp', 'base', 'sleeper']);
  const wishes: readonly (readonly string[])[] = [
    [
      '--log-driver', 'local', '--log-opt', 'max-size=1m', '-v', '/data', '--expose', '99', '-P', '--mount', 'type=tmpfs,target=/t,tmpfs-size=65536,tmpfs-mode=1700', '--mount', 'type=volume,source=vv,target=/v,volume-label=x=y',
      '--runtime', 'berth', '--entrypoint', '', '-w', '/', 'sleeper', 'echo', 'a  b', '',
    ],
    ['--network', 'container:base', 'sleeper', '7'],
  ];
  for (const wish of wishes) {
    const shownOf = async (): Promise<unknown> => {
      const [{ Config, HostConfig }] = JSON.parse((await engine.docker(['inspect', 'again'])).stdout) as [{ Config: object; HostConfig: object }];
      return { ...Config, Hostname: '', HostConfig };
    };
    expect(await engine.docker(['create', '--name', 'again', ...wish])).toMatchObject({ code: 0 });
    const [before, { stdout }] = [await shownOf(), await berth(['show', 'again'])];
    await engine.docker(['rm', 'again']);
    const words = execFileSync('sh', ['-c', `for word in ${stdout.trim().replace(/^docker run -d /, '')}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' }).split('\0').slice(0, -1);
    expect(await engine.docker(['create', ...words]), stdout).toMatchObject({ code: 0 });
    expect(await shownOf(), stdout).toEqual(before);
    await engine.docker(['rm', 'again']);
  }
  await engine.docker(['rm', 'base']);
}, 60_000);

test('the history of a name is that of who has it now', async () => {
  await engine.docker(['create', '--name', 'site', 'busybox', 'true']);
  await engine.docker(['commit', 'site', 'moved']);
  await engine.docker(['create', '--name', 'user', 'moved', 'true']); // keeps the image when its tag moves
  const second = (await engine.docker(['commit', '-m', 'two', 'site', 'moved'])).stdout.trim();
  await engine.docker(['rename', 'site', 'old']);
  await engine.docker(['create', '--name', 'site', 'busybox', 'false']);
  const entriesOf = async (name: string) => (await berth(['history', name, '--json'])).stdout.trim().split('\n').map((line) => JSON.parse(line) as { event: string; details: object });
  expect((await entriesOf('moved')).find(({ event }) => event === 'ImageTagged')).toMatchObject({ details: { image: second } });
  expect((await entriesOf('site')).find(({ event }) => event === 'ContainerCreated')).toMatchObject({ details: { path: 'false' } });
  await engine.docker(['rm', 'site', 'old', 'user']);
});

test('the log is whole, and its events resume after a position', async () => {
  expect(await berth(['log', 'verify'])).toMatchObject({ code: 0, stdout: expect.stringContaining('the log is whole: ') });
  const verified = JSON.parse((await berth(['log', 'verify', '--json'])).stdout) as { position: number; broken: unknown[] };
  expect(verified.broken).toEqual([]);
  await engine.docker(['volume', 'create', 'since']);
  const since = await berth(['log', 'verify', '--from', String(verified.position)]);
  expect(since).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^the log is whole after position ${verified.position}: \\d+ commits of \\d+ aggregates, each chained to the one before, up to position \\d+\n$`)) });
  expect(await berth(['log', 'verify', '--from', 'x'])).toMatchObject({ code: 2 });
  const all = (await berth(['events'])).stdout.trim().split('\n');
  const { position } = JSON.parse(all.at(-2) ?? '') as { position: number };
  const rest = (await berth(['events', '--from', String(position)])).stdout.trim().split('\n');
  expect(rest).toEqual(all.filter((line) => (JSON.parse(line) as { position: number }).position > position));
  expect(await berth(['status'])).toMatchObject({ code: 0, stdout: expect.stringContaining('nats, executor, engine') });
});

test('exit codes tell what went wrong', async () => {
  expect(await berth(['why', 'nobody'])).toMatchObject({ code: 1, stdout: '' });
  expect((await berth(['bogus'])).code).toBe(2);
  expect((await berth(['ps', '--at', 'yesterday'])).code).toBe(2);
  expect((await berth(['ps'], { BERTH_SOCKET: '/nowhere.sock' })).code).toBe(3);
});

test('events are followed over a restart of the engine without gap or double', async () => {
  const env = { PATH: process.env['PATH'] ?? '', ...settingsEnvironment(engine.settings) };
  const follower = spawn(process.execPath, [MAIN, 'events', '--follow'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  follower.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
  const ended = new Promise<number | null>((resolve) => follower.once('close', resolve));
  const entries = () => told.split('\n').slice(0, -1).map((line) => JSON.parse(line) as { position: number; index: number; event: string; details: { name?: string } });
  const knows = (name: string) => entries().some(({ event, details }) => event === 'ContainerCreated' && details.name === name);
  await engine.docker(['create', '--name', 'before', 'busybox', 'true']);
  await expect.poll(() => knows('before'), { timeout: 10_000 }).toBe(true);
  await engine.down();
  await engine.up();
  await engine.docker(['create', '--name', 'after', 'busybox', 'true']);
  await expect.poll(() => knows('after'), { timeout: 10_000 }).toBe(true);
  follower.kill('SIGINT');
  expect(await ended).toBe(0);
  const followed = entries().map(({ position, index }) => `${position}.${index}`);
  const all = (await berth(['events'])).stdout.trim().split('\n').map((line) => JSON.parse(line) as { position: number; index: number }).map(({ position, index }) => `${position}.${index}`);
  expect(followed).toEqual(all.slice(0, followed.length));
  await engine.docker(['rm', 'before', 'after']);
}, 60_000);

test('a list tells its position, and a query waits for one: list, then watch, misses nothing', async () => {
  const created = await ask('POST', '/containers/create?name=watched', { Image: 'busybox', Cmd: ['true'] });
  const position = Number(created.headers['berth-position']);
  expect(position).toBeGreaterThan(0);
  for (const path of ['/containers/json?all=1', '/berth/containers']) {
    const listed = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}minPosition=${position}`);
    expect(Number(listed.headers['berth-position'])).toBeGreaterThanOrEqual(position);
    expect(listed.body).toContain('watched');
  }
  const later = await ask('GET', `/berth/events?from=${position - 1}`);
  expect(later.body.split('\n')[0]).toContain('ContainerCreated');
  expect((await ask('GET', '/berth/history/nobody')).status).toBe(404);
  expect((await ask('GET', '/berth/containers?at=yesterday')).status).toBe(400);
  expect((await ask('GET', '/berth/events?from=x')).status).toBe(400);
  await engine.docker(['rm', 'watched']);
});

function ask(method: string, path: string, body?: object): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: engine.socket, method, path, agent: false, headers: body === undefined ? {} : { 'content-type': 'application/json' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

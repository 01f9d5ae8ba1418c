import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  // Its first start takes its time.
  engine = await startEngine({ BERTH_FAILPOINTS: 'task.prepared@1=delay:3000' });
  await engine.loadBusybox();
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

const docker = async (...args: string[]): Promise<string> => {
  const { stdout, stderr, code } = await engine.docker(args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout;
};

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
const NO_UPGRADE = 'Content-Length: 0\r\n';

/** A client that has sent its request, and is not answered yet. */
async function asking(method: string, path: string, headers = ''): Promise<Socket> {
  const client = connect(engine.socket);
  await once(client, 'connect');
  await new Promise((sent) => client.write(`${method} ${path} HTTP/1.1\r\nHost: docker\r\n${headers}\r\n`, sent));
  return client;
}

async function leave(client: Socket): Promise<void> {
  const closed = once(client, 'close');
  client.destroy();
  await closed;
}

/** The engine as it is when its executor takes its time. */
async function whileExecutorSleeps(work: () => Promise<void>): Promise<void> {
  const executor = engine.pid('executor');
  if (executor === undefined) throw new Error('the executor does not run');
  process.kill(executor, 'SIGSTOP');
  try {
    await work();
    // Behind what came before: the gateway has read it by then.
    expect((await http(engine.socket, 'GET', '/_ping')).text).toBe('OK');
  } finally {
    process.kill(executor, 'SIGCONT');
  }
}

/** What a client is sent, until it contains `text`. */
async function hears(client: Socket, text: string): Promise<void> {
  let heard = '';
  for await (const bytes of client.iterator({ destroyOnReturn: false })) {
    heard += String(bytes);
    if (heard.includes(text)) return;
  }
  throw new Error(`the stream ended with ${JSON.stringify(heard)}`);
}

const attachTo = (name: string): Promise<Socket> => asking('POST', `/containers/${name}/attach?stream=1&stdout=1`, UPGRADE);

test('who attaches while a container starts gets all that it prints', async () => {
  await docker('create', '--name', 'starting', '--network', 'none', 'busybox', 'sh', '-c', 'echo once; sleep 1000');
  const started = http(engine.socket, 'POST', '/containers/starting/start');
  const clients: Socket[] = [];
  for (let count = 0; count < 6; count++) {
    clients.push(await attachTo('starting'));
    await http(engine.socket, 'GET', '/containers/starting/json');
  }
  await Promise.all(clients.map((client) => hears(client, 'once')));
  expect((await started).status).toBe(204);
  await Promise.all(clients.map(leave));
  await docker('rm', '-f', 'starting');
}, 60_000);

test('attaches that come at any moment of a start get its output', async () => {
  for (let count = 0; count < 10; count++) {
    await docker('create', '--name', `moment${count}`, '--network', 'none', 'busybox', 'sh', '-c', 'while :; do echo tick; sleep 0.05; done');
    const started = http(engine.socket, 'POST', `/containers/moment${count}/start`);
    for (let later = 0; later < count; later++) await http(engine.socket, 'GET', '/_ping');
    const client = await attachTo(`moment${count}`);
    await hears(client, 'tick\n');
    await leave(client);
    expect((await started).status).toBe(204);
    await docker('rm', '-f', `moment${count}`);
  }
}, 60_000);

test('more than a hundred clients attach in one moment, before a start and after it, and each hears what is printed', async () => {
  await docker('create', '--name', 'crowd', '--network', 'none', 'busybox', 'sh', '-c', 'while :; do echo tick; sleep 0.1; done');
  const before = await Promise.all(Array.from({ length: 120 }, () => attachTo('crowd')));
  await Promise.all(before.map((client) => hears(client, 'UPGRADED')));
  await docker('start', 'crowd');
  const after = await Promise.all(Array.from({ length: 120 }, () => attachTo('crowd')));
  await Promise.all([...before, ...after].map((client) => hears(client, 'tick\n')));
  await Promise.all([...before, ...after].map(leave));
  await docker('rm', '-f', 'crowd');
}, 60_000);

test('attaches for the logs alone take no place of who wants a stream', async () => {
  await docker('run', '-d', '--name', 'ticking', '--network', 'none', 'busybox', 'sh', '-c', 'while :; do echo tick; sleep 0.1; done');
  for (let count = 0; count < 70; count++) await leave(await asking('POST', '/containers/ticking/attach?logs=1&stdout=1', UPGRADE));
  const client = await attachTo('ticking');
  await hears(client, 'tick\n');
  await leave(client);
}, 60_000);

test.each([1, 70])('%i attaches that were left before a start neither delay it nor take the place of who is there', async (many) => {
  const name = `left${many}`;
  await docker('create', '--name', name, '--network', 'none', 'busybox', 'echo', 'HELLO');
  for (let count = 0; count < many; count++) {
    const client = await attachTo(name);
    await hears(client, 'UPGRADED');
    await leave(client);
  }
  const begun = performance.now();
  expect(await docker('start', '-a', name)).toBe('HELLO\n');
  // Whoever is waited for in vain is so for five seconds.
  expect(performance.now() - begun).toBeLessThan(patience(4_000));
}, 60_000);

test.each([['with an upgrade', UPGRADE], ['without', NO_UPGRADE]])('clients that leave while they are attached, %s, do not hold up what the container writes', async (_how, headers) => {
  const name = headers === UPGRADE ? 'upgraded' : 'plain';
  await docker('run', '-d', '--name', name, '--network', 'none', '--log-driver', 'none', 'busybox', 'sh', '-c', 'i=0; while :; do i=$((i+1)); yes xxxxxxxxxxxxxxxxxxxxxxxxx | head -c 65536; echo $i > /rounds; done');
  await whileExecutorSleeps(async () => {
    for (let count = 0; count < 3; count++) await leave(await asking('POST', `/containers/${name}/attach?stream=1&stdout=1`, headers));
  });
  // More than the shim's ring holds, and twice what is under way in sockets.
  const rounds = async (): Promise<number> => Number(await docker('exec', name, 'cat', '/rounds').catch(() => '0'));
  const before = await rounds();
  await expect.poll(rounds, { timeout: 20_000 }).toBeGreaterThan(before + 20);
  await docker('rm', '-f', name);
}, 60_000);

/** Descriptors of a process that is to be left as it was. */
const open = (process: 'executor' | 'engine'): number => readdirSync(`/proc/${engine.pid(process)}/fd`).length;

test('copies that are left before they begin hold neither threads nor descriptors', async () => {
  await docker('run', '-d', '--name', 'copied', '--network', 'none', 'busybox', 'sleep', '1000');
  await docker('cp', 'copied:/etc/passwd', '-');
  const [executor, gateway] = [open('executor'), open('engine')];
  await whileExecutorSleeps(async () => {
    for (let count = 0; count < 10; count++) {
      await leave(await asking('GET', '/containers/copied/export'));
      await leave(await asking('PUT', '/containers/copied/archive?path=/tmp', 'Content-Type: application/x-tar\r\nContent-Length: 100000\r\n'));
    }
  });
  for (let count = 0; count < 10; count++) await leave(await asking('GET', '/containers/copied/export'));
  expect(await docker('cp', 'copied:/etc/passwd', '-')).toContain('root:');
  // The threads, which have descriptors of their own, go when they are idle.
  await expect.poll(() => open('executor'), { timeout: 20_000 }).toBeLessThanOrEqual(executor);
  await expect.poll(() => open('engine'), { timeout: 20_000 }).toBeLessThanOrEqual(gateway);
}, 60_000);

/** Unlike other descriptors, of these idle threads have none. */
function sockets(): number {
  const directory = `/proc/${engine.pid('executor')}/fd`;
  const isSocket = (name: string): boolean => {
    try {
      return readlinkSync(`${directory}/${name}`).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  };
  return readdirSync(directory).filter(isSocket).length;
}

test('copies hold no socket once they were made, refused or cut off', async () => {
  await docker('run', '-d', '--name', 'often', '--network', 'none', 'busybox', 'sleep', '1000');
  await docker('cp', 'often:/etc/passwd', '-');
  const before = sockets();
  for (let count = 0; count < 3; count++) {
    await docker('cp', 'often:/etc/passwd', '-');
    await docker('cp', import.meta.filename, 'often:/tmp/');
    await docker('diff', 'often');
    await docker('commit', 'often', 'often');
    expect((await http(engine.socket, 'PUT', '/containers/often/archive?path=/tmp', 'rubbish '.repeat(10_000), { 'Content-Type': 'application/x-tar' })).status).toBe(500);
    const cut = await asking('PUT', '/containers/often/archive?path=/tmp', 'Content-Type: application/x-tar\r\nContent-Length: 100000\r\n');
    cut.write(Buffer.alloc(512));
    await expect.poll(sockets).toBeGreaterThan(before);
    await leave(cut);
  }
  await expect.poll(sockets, { timeout: 10_000 }).toBeLessThanOrEqual(before);
  await docker('rm', '-f', 'often');
}, 60_000);

test('a container whose copies were left starts', async () => {
  await docker('run', '--name', 'restarted', '--network', 'none', 'busybox', 'sh', '-c', 'test -e /big || yes | head -c 30000000 > /big');
  await whileExecutorSleeps(async () => {
    for (let count = 0; count < 8; count++) await leave(await asking('GET', '/containers/restarted/archive?path=/big'));
  });
  for (let count = 0; count < 8; count++) await leave(await asking('GET', '/containers/restarted/archive?path=/big'));
  await docker('start', '-a', 'restarted');
}, 60_000);

test('logs that are followed no more before they begin are not read', async () => {
  await docker('run', '-d', '--name', 'quiet', '--network', 'none', 'busybox', 'sleep', '1000');
  await docker('logs', 'quiet');
  const [executor, gateway] = [open('executor'), open('engine')];
  await whileExecutorSleeps(async () => {
    for (let count = 0; count < 20; count++) await leave(await asking('GET', '/containers/quiet/logs?stdout=1&follow=1'));
  });
  await expect.poll(() => open('engine'), { timeout: 20_000 }).toBeLessThanOrEqual(gateway);
  await expect.poll(() => open('executor'), { timeout: 20_000 }).toBeLessThanOrEqual(executor);
}, 60_000);

test('what a client has sent when it leaves arrives at a container that takes its time, and ends its input', async () => {
  await docker('create', '-i', '--name', 'counts', 'busybox', 'sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; wc -c');
  const client = await asking('POST', '/containers/counts/attach?stream=1&stdin=1&stdout=1', UPGRADE);
  await hears(client, '\r\n\r\n');
  await docker('start', 'counts');
  await new Promise((sent) => client.write(Buffer.alloc(300_000), sent));
  await leave(client);
  await docker('exec', 'counts', 'touch', '/go');
  expect(await docker('wait', 'counts')).toBe('0\n');
  expect(await docker('logs', 'counts')).toBe('300000\n');
  await docker('rm', 'counts');
});

test('a command whose client leaves has the end of its input', async () => {
  await docker('run', '-d', '--name', 'fed', 'busybox', 'sleep', '1000');
  const { Id } = JSON.parse((await http(engine.socket, 'POST', '/containers/fed/exec', { Cmd: ['sh', '-c', 'echo y; cat; touch /over'], AttachStdin: true, AttachStdout: true })).text) as { Id: string };
  const client = await asking('POST', `/exec/${Id}/start`, `${UPGRADE}Content-Type: application/json\r\nContent-Length: 2\r\n`);
  client.write('{}');
  await hears(client, 'y\n');
  client.write('more');
  await leave(client);
  await expect.poll(async () => (JSON.parse((await http(engine.socket, 'GET', `/exec/${Id}/json`)).text) as { Running: boolean }).Running, { timeout: patience(10_000) }).toBe(false);
  await docker('rm', '-f', 'fed');
});

test('who types the keys that detach is told of, as one who attached', async () => {
  await docker('run', '-dit', '--name', 'typed', '--network', 'none', 'busybox', 'sh');
  const client = await asking('POST', '/containers/typed/attach?stream=1&stdin=1&stdout=1', UPGRADE);
  await hears(client, '\r\n\r\n');
  client.write('\x10\x11');
  await once(client.resume(), 'end');
  const told = (): Promise<string> => docker('events', '--since', '1', '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'container=typed', '--filter', 'event=attach', '--filter', 'event=detach', '--format', '{{.Action}}');
  await expect.poll(told, { timeout: patience(10_000) }).toBe('attach\ndetach\n');
  await docker('rm', '-f', 'typed');
}, patience(20_000));

test('who reads slowly gets all that a command prints, though the command reads nothing of its input', async () => {
  await docker('run', '-d', '--name', 'prints', '--network', 'none', 'busybox', 'sleep', '1000');
  const { Id } = JSON.parse((await http(engine.socket, 'POST', '/containers/prints/exec', { Cmd: ['seq', '1', '200000'], AttachStdin: true, AttachStdout: true })).text) as { Id: string };
  const client = await asking('POST', `/exec/${Id}/start`, `${UPGRADE}Content-Type: application/json\r\nContent-Length: 2\r\n`);
  client.write('{}');
  await once(client, 'readable');
  client.end(Buffer.alloc(1 << 20, 'x'));
  let last = '';
  for await (const bytes of client) {
    last = (last + String(bytes)).slice(-20);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  expect(last).toContain('199999\n200000\n');
  await docker('rm', '-f', 'prints');
});

test('who reads slowly what happened before gets all of it', async () => {
  const Labels = { much: 'x'.repeat(60_000) };
  await http(engine.socket, 'POST', '/containers/create?name=told-0', { Image: 'busybox', Labels });
  const RENAMES = 400;
  for (let number = 1; number <= RENAMES; number++) expect((await http(engine.socket, 'POST', `/containers/told-${number - 1}/rename?name=told-${number}`)).status).toBe(204);
  const client = await asking('GET', `/events?since=1&until=${Math.ceil(Date.now() / 1000)}&filters=${encodeURIComponent('{"event":["rename"]}')}`, 'Connection: close\r\n');
  await once(client, 'readable');
  // As somebody in a pager: nothing is read until the engine has come as far as it does.
  await new Promise((resolve) => setTimeout(resolve, 500));
  let heard = '';
  for await (const bytes of client) heard += String(bytes);
  expect(heard.split('"Action":"rename"').length - 1).toBe(RENAMES);
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { addAddress, addVeth, setLink } from '#libs/netlink/route.js';
import { RouteSocket } from '../../services/executor/adapters/network/route-socket.js';
import { NetworkSandbox } from '../../services/executor/adapters/network/sandbox.js';
import { hostLinkName } from '../../services/executor/domain/host-link-name.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { freePort, freeSubnet } from '../engine/private-addresses.js';

let engine: TestEngine;
/** A machine outside, on a network with this one: it knows no way to containers. */
let outside: NetworkSandbox;
/** This machine's address on that network, and the other's. */
let here: string;
let there: string;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  outside = NetworkSandbox.create();
  const link = `bo${engine.settings.bridge.slice(2)}`;
  const [network = ''] = freeSubnet().split('.0/');
  [here, there] = [`${network}.1`, `${network}.2`];
  using onHost = new RouteSocket();
  using onOutside = new RouteSocket(outside.fd);
  onHost.send(addVeth({ name: link, up: true }, { name: 'eth0', namespace: outside.fd }));
  onHost.send(addAddress(onHost.link(link)?.index ?? 0, here, 24));
  onOutside.send(addAddress(onOutside.link('eth0')?.index ?? 0, there, 24), setLink('eth0', { up: true }));
}, patience(120_000));

afterEach(async () => {
  const ids = (await docker('ps', '-aq')).stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker('rm', '-f', ...ids);
});

afterAll(async () => {
  outside?.[Symbol.dispose](); // and with it the pair of links
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const addressOf = async (name: string): Promise<string> => (await docker('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name)).stdout.trim();
const run = async (...args: string[]): Promise<string> => {
  const { stdout, stderr, code } = await docker('run', '--rm', ...args);
  if (code !== 0) throw new Error(`docker run ${args.join(' ')}: ${code} ${stderr}`);
  return stdout;
};

/** What a program prints on the machine outside. */
async function onOutside(program: string, ...args: string[]): Promise<string> {
  const child = inNetworkNamespace(outside.fd, () => spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: patience(2_000) }));
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return text;
}

/** Answers each datagram with where it came from and what it said; prints "ready". */
const udpServer = (port: number): string[] => [
  '-e',
  `const socket = require('dgram').createSocket('udp4');
   socket.on('message', (said, from) => socket.send(from.address + ' said ' + said, from.port, from.address)).bind(${port}, () => console.log('ready'));`,
];
/** Sends one datagram, prints the first answer. */
const udpClient = (address: string, port: number): string[] => [
  '-e',
  `const socket = require('dgram').createSocket('udp4');
   socket.on('message', (answer) => (console.log(String(answer)), socket.close())).on('error', () => process.exit(1)).connect(${port}, '${address}', () => socket.send('ahoy'));`,
];

/** Node in another network, since busybox speaks no udp, and the first that it printed. The caller ends it. */
async function nodeIn(namespace: number, args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const child = inNetworkNamespace(namespace, () => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: patience(20_000) }));
  const said = await Promise.race([once(child.stdout, 'data').then(String), once(child, 'exit').then(() => '')]);
  return { child, said };
}

/** The same in a running container's. */
async function nodeInContainer(name: string, args: readonly string[]): Promise<{ readonly child: ChildProcess; readonly said: string }> {
  const pid = (await docker('inspect', '--format', '{{.State.Pid}}', name)).stdout.trim();
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r');
  try {
    return await nodeIn(namespace, args);
  } finally {
    closeSync(namespace);
  }
}

/** Asks until the server in the container listens. */
async function eventually(ask: () => Promise<string>, answer: string): Promise<void> {
  await expect.poll(ask, { timeout: patience(10_000), interval: 50 }).toBe(answer);
}

test("a start takes no link of the host away that is somebody else's, and the next one has another", async () => {
  const id = (await docker('create', 'busybox', 'sleep', '1000')).stdout.trim();
  const [bridge, link] = [`bx${engine.settings.bridge.slice(2)}`, hostLinkName(`${id}-1`)];
  const ip = (...args: string[]): Buffer => execFileSync('ip', ['link', ...args]);
  ip('add', bridge, 'type', 'bridge');
  try {
    ip('add', link, 'master', bridge, 'type', 'veth', 'peer', 'name', `${link}p`);
    expect((await docker('start', id)).stderr).toContain(`link ${link} is somebody else's`);
    expect((await docker('start', id)).code).toBe(0);
    expect(readdirSync(`/sys/class/net/${bridge}/brif`)).toEqual([link]);
  } finally {
    ip('delete', bridge);
    ip('delete', link);
  }
});

test('a published tcp port is reached from outside, from this machine and by 127.0.0.1', async () => {
  const port = await freePort();
  await docker('run', '-d', '-p', `${port}:80`, 'busybox', 'sh', '-c', 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  await eventually(() => onOutside('busybox', 'wget', '-q', '-O', '-', `http://${here}:${port}/`), 'harbour\n');
  for (const address of [here, '127.0.0.1']) expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe('harbour\n');
});

test('a port is published on 0.0.0.0 and on :: at once, as Compose files have it, and on no address that cannot be served', async () => {
  const port = await freePort();
  const published = ['-p', `0.0.0.0:${port}:80`, '-p', `[::]:${port}:80`];
  expect(await docker('run', '-d', '--name', 'both', ...published, 'busybox', 'sh', '-c', 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp')).toMatchObject({ code: 0, stderr: '' });
  await eventually(() => onOutside('busybox', 'wget', '-q', '-O', '-', `http://${here}:${port}/`), 'harbour\n');
  expect((await docker('port', 'both')).stdout).toBe(`80/tcp -> 0.0.0.0:${port}\n80/tcp -> [::]:${port}\n`);
  await docker('rm', '-f', 'both');
  expect(await docker('run', '--rm', ...published, 'busybox', 'true')).toMatchObject({ code: 0, stderr: '' });
  expect(await docker('create', '-p', `[::1]:${port}:80`, 'busybox')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot publish a port on ::1') });
});

test('a port published on one address is not there on others', async () => {
  const port = await freePort();
  await docker('run', '-d', '-p', `127.0.0.1:${port}:80`, 'busybox', 'sh', '-c', 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  await eventually(async () => await fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text(), () => ''), 'harbour\n');
  expect(await onOutside('busybox', 'wget', '-q', '-O', '-', `http://${here}:${port}/`)).toBe('');
});

test('a published udp port is reached from outside, and the answer finds its way back', async () => {
  const port = await freePort();
  await docker('run', '-d', '--name', 'udp', '-p', `${port}:53/udp`, 'busybox', 'sleep', '1000');
  const { child: server } = await nodeInContainer('udp', udpServer(53));
  try {
    expect(await onOutside(process.execPath, ...udpClient(here, port))).toBe(`${there} said ahoy\n`);
  } finally {
    server.kill();
  }
});

/** Sends without end from one port, and tells of each datagram and answer. The caller ends it. */
async function keepsSending(port: number): Promise<{ readonly child: ChildProcess; readonly heard: string[] }> {
  const { child } = await nodeIn(outside.fd, [
    '-e',
    `const socket = require('dgram').createSocket('udp4');
     socket.on('message', () => console.log('answer')).bind(0, () => setInterval(() => socket.send('ahoy', ${port}, '${here}', () => console.log('sent')), 20));`,
  ]);
  const heard: string[] = [];
  child.stdout?.on('data', (text) => heard.push(...String(text).trim().split('\n')));
  return { child, heard };
}

test('who keeps sending from one udp port reaches a container that is published meanwhile, and nobody when it is gone', async () => {
  const port = await freePort();
  const { child: client, heard } = await keepsSending(port);
  const servers: ChildProcess[] = [];
  const serve = async (name: string, ...options: string[]) => {
    await docker('run', '-d', '--name', name, ...options, 'busybox', 'sleep', '1000');
    servers.push((await nodeInContainer(name, udpServer(53))).child);
  };
  try {
    await serve('late', '-p', `${port}:53/udp`);
    await expect.poll(() => heard, { timeout: patience(5_000) }).toContain('answer');
    const address = await addressOf('late');
    await docker('rm', '-f', 'late');
    await serve('next');
    expect(await addressOf('next')).toBe(address);
    heard.length = 0;
    await expect.poll(() => heard.length, { timeout: patience(5_000) }).toBeGreaterThan(10);
    expect(new Set(heard)).toEqual(new Set(['sent']));
  } finally {
    client.kill();
    for (const server of servers) server.kill();
  }
});

test('who began to send while the rules were away reaches the container once they are there again', async () => {
  const port = await freePort();
  await docker('run', '-d', '--name', 'udp', '-p', `${port}:53/udp`, 'busybox', 'sleep', '1000');
  const { child: server } = await nodeInContainer('udp', udpServer(53));
  execFileSync('nft', ['delete', 'table', 'ip', engine.settings.nftTable]);
  const { child: client, heard } = await keepsSending(port);
  try {
    await docker('run', '--rm', 'busybox', 'true');
    await expect.poll(() => heard, { timeout: patience(5_000) }).toContain('answer');
  } finally {
    client.kill();
    server.kill();
  }
});

test('a port that is gone with its container is free for the next', async () => {
  const port = await freePort();
  await docker('run', '-d', '--name', 'first', '-p', `${port}:80`, 'busybox', 'sleep', '1000');
  const taken = await docker('run', '--name', 'second', '-p', `${port}:80`, 'busybox', 'true');
  expect(taken.code).toBe(125);
  expect(taken.stderr).toContain('port is already allocated');
  await docker('rm', '-f', 'first');
  expect(await docker('start', '-a', 'second')).toMatchObject({ code: 0, stderr: '' });
});

test('a container reaches what is outside, which sees this machine\'s address: tcp and udp', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).end(`${socket.remoteAddress?.replace('::ffff:', '')}\n`));
  const port = await freePort();
  inNetworkNamespace(outside.fd, () => void server.listen(port));
  if (!server.listening) await once(server, 'listening');
  const { child: datagrams } = await nodeIn(outside.fd, udpServer(port));
  try {
    expect(await run('busybox', 'nc', '-w', '2', there, String(port))).toBe(`${here}\n`);
    await docker('run', '-d', '--name', 'asking', 'busybox', 'sleep', '1000');
    expect((await nodeInContainer('asking', udpClient(there, port))).said).toBe(`${here} said ahoy\n`);
  } finally {
    server.close();
    datagrams.kill();
  }
});

test('containers reach each other on the bridge, by address', async () => {
  await docker('run', '-d', '--name', 'server', 'busybox', 'sh', '-c', 'echo neighbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  const address = await addressOf('server');
  await eventually(() => run('busybox', 'wget', '-q', '-O', '-', `http://${address}/`).catch(() => ''), 'neighbour\n');
});

test('who a container is, and whom it asks for names, is in its files', async () => {
  const hosts = await run('--name', 'named', '--hostname', 'box', '--domainname', 'example.org', '--add-host', 'db:10.1.2.3', '--add-host', 'six:fd00::1', 'busybox', 'cat', '/etc/hosts');
  expect(hosts).toMatch(/^127\.0\.0\.1\tlocalhost$/m);
  expect(hosts).toMatch(/^10\.1\.2\.3\tdb$/m);
  expect(hosts).toMatch(/^fd00::1\tsix$/m);
  expect(hosts).toMatch(/^198\.\d+\.\d+\.\d+\tbox\.example\.org box$/m);
  expect(await run('--hostname', 'box', 'busybox', 'cat', '/etc/hostname')).toBe('box\n');
  expect(await run('--dns', '9.9.9.9', '--dns', '1.1.1.1', '--dns-search', 'a.test', '--dns-option', 'ndots:2', 'busybox', 'cat', '/etc/resolv.conf')).toBe('nameserver 9.9.9.9\nnameserver 1.1.1.1\nsearch a.test\noptions ndots:2\n');
});

test('host-gateway is this machine as containers see it', async () => {
  const port = await freePort();
  const server = createServer((socket) => void socket.on('error', () => undefined).end('the host\n')).listen(port, '0.0.0.0');
  await once(server, 'listening');
  try {
    expect(await run('--add-host', 'host.docker.internal:host-gateway', 'busybox', 'nc', '-w', '2', 'host.docker.internal', String(port))).toBe('the host\n');
    expect(await run('--network', 'host', '--add-host', 'host.docker.internal:host-gateway', 'busybox', 'nc', '-w', '2', 'host.docker.internal', String(port))).toBe('the host\n');
  } finally {
    server.close();
  }
});

test('a container with the network of another has its interface, its ports and its name', async () => {
  await docker('run', '-d', '--name', 'owner', '--hostname', 'owner-host', 'busybox', 'sh', '-c', 'echo shared > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  const look = 'ip -o -4 addr show eth0; cat /etc/hosts; hostname';
  const own = (await docker('exec', 'owner', 'sh', '-c', look)).stdout;
  await eventually(() => run('--network', 'container:owner', 'busybox', 'wget', '-q', '-O', '-', 'http://127.0.0.1/').catch(() => ''), 'shared\n');
  expect(await run('--network', 'container:owner', 'busybox', 'sh', '-c', look)).toBe(own);
});

test.each([
  ['--hostname mine', 'hostname and the network mode'],
  ['--dns 9.9.9.9', 'dns and the network mode'],
  ['--add-host a:10.0.0.1', 'custom host-to-IP mapping and the network mode'],
  ['-p 80', 'port publishing and the container type network mode'],
  ['--expose 80', 'port exposing and the container type network mode'],
])('%s cannot go with the network of another', async (option, conflict) => {
  await docker('create', '--name', 'owner', 'busybox', 'true');
  const refused = await docker('create', '--network', 'container:owner', ...option.split(' '), 'busybox', 'true');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`conflicting options: ${conflict}`) as string });
});

test('a link gives names, variables and a way to the other; inspect shows it, and its network, under the names of now', async () => {
  await docker('run', '-d', '--name', 'db', '--hostname', 'db-host', '--expose', '80', '-e', 'KEY=value', 'busybox', 'sh', '-c', 'echo linked > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  await docker('run', '-d', '--name', 'web', '--link', 'db:my-store', '--link', 'db', '-e', 'DB_NAME=own', 'busybox', 'sleep', '600');
  const address = await addressOf('db');
  expect((await docker('exec', 'web', 'cat', '/etc/hosts')).stdout).toContain(`${address}\tmy-store db-host db\n${address}\tdb db-host\n`);
  await eventually(async () => (await docker('exec', 'web', 'wget', '-q', '-O', '-', 'http://my-store/')).stdout, 'linked\n');
  const variables = ['MY_STORE_NAME=/web/my-store', `MY_STORE_PORT=tcp://${address}:80`, `MY_STORE_PORT_80_TCP_ADDR=${address}`, 'MY_STORE_ENV_KEY=value', 'DB_NAME=own'];
  const seen = (await docker('exec', 'web', 'sh', '-c', 'env; tr "\\0" "\\n" < /proc/1/environ')).stdout.split('\n');
  for (const variable of variables) expect(seen.filter((line) => line === variable), variable).toHaveLength(2);
  const links = async (): Promise<unknown> => JSON.parse((await docker('inspect', '--format', '{{json .HostConfig.Links}}', 'web')).stdout) as unknown;
  await docker('rename', 'db', 'store');
  expect(await links()).toEqual(['/store:/web/my-store', '/store:/web/db']);
  expect((await docker('network', 'inspect', '--format', '{{range .Containers}}{{.Name}} {{end}}', 'bridge')).stdout.trim().split(' ').sort()).toEqual(['store', 'web']);
  await docker('rm', '-f', 'store');
  expect(await links()).toBeNull();
  expect(await docker('restart', '-t', '0', 'web')).toMatchObject({ code: 0 });
});

test('a link is one more name: whoever has it finds the other, also at another address, and it can be removed alone', async () => {
  await docker('run', '-d', '--name', 'db', 'busybox', 'sleep', '600');
  await docker('run', '-d', '--name', 'web', '--link', 'db:my-db', '--link', 'db', 'busybox', 'sleep', '600');
  await docker('exec', 'web', 'sh', '-c', 'echo "10.0.0.9 mine my-db" >> /etc/hosts');
  expect((await docker('ps', '--no-trunc', '--format', '{{.Names}}')).stdout).toBe('web\ndb,web/db,web/my-db\n');
  expect((await docker('inspect', '--format', '{{.Name}}', 'web/my-db')).stdout).toBe('/db\n');
  const hostname = (await docker('exec', 'db', 'hostname')).stdout;
  expect((await docker('exec', '/web/db', 'hostname')).stdout).toBe(hostname);
  // Somebody else takes the address meanwhile.
  await docker('stop', '-t', '0', 'web/db');
  expect((await docker('exec', 'web', 'true')).stderr).toMatch(/^Error response from daemon: Cannot link to a non running container: \/db AS \/web\/(my-)?db\n$/);
  await docker('run', '-d', 'busybox', 'sleep', '600');
  await docker('start', 'db');
  const linked = async (): Promise<string> => (await docker('exec', 'web', 'grep', '-w', 'db', '/etc/hosts')).stdout;
  const [address, id] = [await addressOf('db'), hostname.trim()];
  expect(await linked()).toBe(`${address}\tmy-db ${id} db\n${address}\tdb ${id}\n10.0.0.9 mine my-db\n`);

  expect(await docker('rm', '--link', 'web/my-db')).toMatchObject({ code: 0, stdout: 'web/my-db\n' });
  expect(await linked()).toBe(`${address}\tdb ${id}\n10.0.0.9 mine my-db\n`);
  expect((await docker('inspect', '--format', '{{json .HostConfig.Links}}', 'web')).stdout).toBe('["/db:/web/db"]\n');
  const refused = { 'web/my-db': 'No such container: web/my-db', nobody: 'No such container: nobody', web: 'Conflict, cannot remove the default link name of the container' };
  for (const [name, says] of Object.entries(refused)) expect(await docker('rm', '--link', name)).toMatchObject({ code: 1, stderr: `Error response from daemon: ${says}\n` });
  expect((await docker('rm', '--link', '-f', '/web/db')).code).toBe(0);
  await docker('restart', '-t', '0', 'web');
  expect((await docker('exec', 'web', 'sh', '-c', 'env | grep DB_; grep $HOSTNAME /etc/hosts | wc -l')).stdout).toBe('1\n');
  expect((await docker('inspect', '--format', '{{.State.Status}}', 'db')).stdout).toBe('running\n');
});

test('a link to what is not there, does not run, or cannot be reached is refused', async () => {
  const refused = (text: string) => ({ stderr: expect.stringContaining(`Error response from daemon: ${text}`) as string });
  await docker('create', '--name', 'db', 'busybox', 'sleep', '600');
  await docker('run', '-d', '--name', 'alone', '--network', 'none', 'busybox', 'sleep', '600');
  await docker('run', '-d', '--name', 'hosted', '--network', 'host', 'busybox', 'sleep', '600');
  expect(await docker('create', '--link', 'lost:x', 'busybox')).toMatchObject(refused('could not get container for lost: No such container: lost'));
  expect(await docker('create', '--link', 'hosted', 'busybox')).toMatchObject(refused("conflicting options: host type networking can't be used with links."));
  expect(await docker('run', '--name', 'web', '--link', 'db:d', 'busybox')).toMatchObject({ code: 125, ...refused('Cannot link to a non running container: /db AS /web/d') });
  expect(await docker('run', '--link', 'alone', 'busybox')).toMatchObject({ code: 125, ...refused('Cannot link to /alone, as it does not belong to the default network') });
});

test('the host\'s network is the host\'s, and none has nothing but itself', async () => {
  expect(await run('--network', 'host', 'busybox', 'readlink', '/proc/self/ns/net')).toBe(`${readlinkSync('/proc/self/ns/net')}\n`);
  expect(await run('--network', 'host', 'busybox', 'cat', '/etc/hosts')).toBe(readFileSync('/etc/hosts', 'utf8'));
  await docker('run', '-d', '--name', 'exposing', '--network', 'host', '--expose', '80', 'busybox', 'sleep', '600');
  expect((await docker('inspect', '--format', '{{json .NetworkSettings.Ports}}', 'exposing')).stdout).toBe('{}\n');
  expect((await docker('ps', '--filter', 'name=exposing', '--format', '{{.Names}}:{{.Ports}}')).stdout).toBe('exposing:\n');
  await docker('rm', '-f', 'exposing');
  expect(await run('--network', 'host', 'busybox', 'ls', '/sys/class/net')).toContain(`${engine.settings.bridge}\n`);
  expect(await run('--network', 'none', 'busybox', 'sh', '-c', 'ls /sys/class/net; ip route; ping -c 1 -W 1 127.0.0.1 > /dev/null && echo itself')).toBe('lo\nitself\n');
});

test.each(['host', 'none'])('a container in the network %s is shown in it as dockerd does, which calls that an endpoint', async (network) => {
  const shown = async () => JSON.parse((await docker('inspect', '--format', `{{json .NetworkSettings.Networks.${network}}}`, 'seen')).stdout) as { NetworkID: string; EndpointID: string };
  const { stdout: id } = await docker('network', 'inspect', '--format', '{{.Id}}', network);
  const inIt = async () => JSON.parse((await docker('network', 'inspect', '--format', '{{json .Containers}}', network)).stdout) as object;
  await docker('create', '--name', 'seen', '--network', network, 'busybox', 'sleep', '1000');
  expect(await shown()).toMatchObject({ NetworkID: '', EndpointID: '' });
  const ids = new Set<string>();
  for (let run = 0; run < 2; run++) {
    await docker('start', 'seen');
    const { NetworkID, EndpointID } = await shown();
    expect(NetworkID).toBe(id.trim());
    expect(EndpointID).toMatch(/^[0-9a-f]{64}$/);
    ids.add(EndpointID);
    expect(Object.values(await inIt())).toEqual([{ Name: 'seen', EndpointID, MacAddress: '', IPv4Address: '', IPv6Address: '' }]);
    expect((await docker('ps', '--filter', `network=${NetworkID}`, '--format', '{{.Names}}')).stdout).toBe('seen\n');
    await docker('kill', 'seen');
    expect(await shown()).toMatchObject({ NetworkID, EndpointID: '' });
    expect(await inIt()).toEqual({});
  }
  expect(ids.size).toBe(2);
});

test('other addresses and another bridge count once no container has one of the old, which readiness tells, also where what had them ended unseen; and the bridge of before is gone', async () => {
  const { subnet, bridge, dataRoot, metricsPort } = engine.settings;
  const wished = { BERTH_SUBNET: freeSubnet(), BERTH_BRIDGE: `bu${bridge.slice(2)}` };
  const place = async () => (await docker('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Subnet}} {{index .Options "com.docker.network.bridge.name"}}', 'bridge')).stdout.trim();
  await docker('run', '-d', '--name', 'web', 'busybox', 'sleep', '600');
  const init = Number((await docker('inspect', '--format', '{{.State.Pid}}', 'web')).stdout);
  const shim = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${init}/status`, 'utf8'))?.[1]);
  await engine.down();
  await engine.up(wished);
  const said = `BERTH_SUBNET=${wished.BERTH_SUBNET} BERTH_BRIDGE=${wished.BERTH_BRIDGE} do not count yet: the network bridge is ${subnet} on ${bridge} until no container has an address of it, as now web`;
  const ready = await fetch(`http://127.0.0.1:${metricsPort}/readyz`);
  expect([ready.status, JSON.parse(await ready.text())]).toEqual([200, expect.objectContaining({ services: expect.objectContaining({ networks: expect.objectContaining({ settings: `ok: ${said}` }) }) })]);
  expect(readFileSync(`${dataRoot}/logs/engine.log`, 'utf8')).toContain(said);
  expect(await place()).toBe(`${subnet} ${bridge}`);
  expect((await docker('exec', 'web', 'ping', '-c', '1', '-W', '2', subnet.replace('.0/24', '.1'))).code).toBe(0);

  await engine.down();
  for (const pid of [shim, init]) process.kill(pid, 'SIGKILL');
  await engine.up(wished);
  await expect.poll(place, { timeout: patience(20_000) }).toBe(`${wished.BERTH_SUBNET} ${wished.BERTH_BRIDGE}`);
  await docker('rm', 'web');
  const gateway = wished.BERTH_SUBNET.replace('.0/24', '.1');
  expect(await run('busybox', 'sh', '-c', 'ip route; ping -c 1 -W 2 "$0" > /dev/null && echo reached', gateway)).toContain(`default via ${gateway} dev eth0`);
  await docker('run', '-d', '--name', 'later', '-p', `127.0.0.1:${await freePort()}:80`, 'busybox', 'sleep', '600');
  // Also for an executor that reads all of it on the log.
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  await expect.poll(async () => (await docker('exec', 'later', 'ping', '-c', '1', '-W', '2', gateway)).code, { timeout: patience(20_000) }).toBe(0);
  const links = readdirSync('/sys/class/net');
  expect([bridge, wished.BERTH_BRIDGE].map((name) => links.includes(name))).toEqual([false, true]);
}, patience(120_000));

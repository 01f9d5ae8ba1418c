import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { addAddress, addBridge, addVeth, setLink } from '#libs/netlink/route.js';
import { ensureBridge, removeBridge, removeBridgeAddress } from './bridge.js';
import { Firewall } from './firewall.js';
import { macOf } from './mac-address.js';
import { RouteSocket } from './route-socket.js';
import { SandboxPool } from './sandbox-pool.js';
import { NetworkSandbox, detachLink } from './sandbox.js';
import { attachment, bridge, NetworkWorld, run } from './testing/network-world.js';

let world: NetworkWorld;
let far: NetworkSandbox;
let host: NetworkSandbox;
let container: NetworkSandbox;
let servers: Server[];

beforeEach(() => {
  servers = [];
  world = new NetworkWorld();
  ({ far, host, container } = world);
});

afterEach(async () => {
  for (const server of servers) await new Promise((done) => server.close(done));
  world[Symbol.dispose]();
});

/** host 192.0.2.1 <-> far 192.0.2.2; far knows no way to 172.17.0.0/16. The host forwards. */
function connectFar(): void {
  run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
  using inHost = new RouteSocket(host.fd);
  using inFar = new RouteSocket(far.fd);
  inHost.send(addVeth({ name: 'up0', up: true }, { name: 'eth0', namespace: far.fd }));
  inHost.send(addAddress(inHost.link('up0')?.index ?? 0, '192.0.2.1', 24));
  inFar.send(addAddress(inFar.link('eth0')?.index ?? 0, '192.0.2.2', 24), setLink('eth0', { up: true }));
}

/** Answers each connection with "served". Without a host, listen(2) happens at once, in the network that is visited. */
async function serve(where: NetworkSandbox, port: number): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => undefined).end('served'));
  servers.push(server);
  const listening = new Promise((done) => server.once('listening', done));
  inNetworkNamespace(where.fd, () => void server.listen(port));
  await listening;
}

async function connect(where: NetworkSandbox, address: string, port: number): Promise<string> {
  const client = inNetworkNamespace(where.fd, () => spawn('busybox', ['nc', '-w', '1', address, String(port)], { stdio: ['ignore', 'pipe', 'ignore'] }));
  let text = '';
  for await (const chunk of client.stdout) text += String(chunk);
  return text;
}

test('a MAC is made of the address', () => expect(macOf('172.17.0.2')).toBe('02:42:ac:11:00:02'));

test('a sandbox that is attached has a link, an address, a MAC and a way out', async () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  await container.attach(attachment);
  const text = run(container, 'ip', 'addr', 'show', 'eth0').text;
  expect(text).toContain('inet 172.17.0.2/16 brd 172.17.255.255 scope global eth0');
  expect(text).toContain('02:42:ac:11:00:02');
  expect(run(container, 'ip', 'route').text).toContain('default via 172.17.0.1 dev eth0');
  expect(run(container, 'ping', '-c', '1', '-W', '2', '172.17.0.1')).toMatchObject({ status: 0 });
});

test('a bridge that is there already is left as it is, and one removed twice is gone once', () => {
  const first = ensureBridge({ ...bridge, namespace: host.fd });
  expect(first.isGiven).toBe(false);
  expect(ensureBridge({ ...bridge, namespace: host.fd })).toEqual(first);
  removeBridge('docker0', { gateway: '10.9.0.1', namespace: host.fd }); // another's, with that name
  expect(run(host, 'ip', 'link', 'show', 'docker0').status).toBe(0);
  removeBridge('docker0', { gateway: bridge.gateway, namespace: host.fd });
  expect(run(host, 'ip', 'link', 'show', 'docker0').status).not.toBe(0);
  removeBridge('docker0', { namespace: host.fd });
});

test('a bridge whose network has another prefix now loses the address of before alone', () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  ensureBridge({ ...bridge, prefixLength: 20, namespace: host.fd });
  const addresses = (): string[] => run(host, 'ip', '-4', '-o', 'addr', 'show', 'docker0').text.match(/(?<=inet )\S+/g) ?? [];
  expect(addresses().sort()).toEqual(['172.17.0.1/16', '172.17.0.1/20']);
  for (let time = 0; time < 2; time++) removeBridgeAddress({ ...bridge, namespace: host.fd });
  expect(addresses()).toEqual(['172.17.0.1/20']);
  removeBridge('docker0', { namespace: host.fd });
});

test("what is not of an engine's making is not removed: a bridge that an administrator has given it, and a link of another kind", () => {
  using inHost = new RouteSocket(host.fd);
  inHost.send(addBridge({ name: 'br-lan', up: true }), addVeth({ name: 'veth-lan' }, { name: 'peer-lan' }));
  const index = inHost.link('br-lan')?.index;
  for (const isGiven of [true, false]) expect(ensureBridge({ ...bridge, name: 'br-lan', namespace: host.fd })).toEqual({ index, isGiven });
  for (const name of ['br-lan', 'veth-lan']) {
    removeBridge(name, { namespace: host.fd });
    expect(inHost.link(name)?.name).toBe(name);
  }
});

test('no container is the router of its host or of another: neither has IPv6 on its network, unless it asks for it', async () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  await container.attach(attachment);
  const ipv6 = (where: NetworkSandbox, link: string) => run(where, 'ip', '-6', 'addr', 'show', link).text;
  expect(ipv6(container, 'eth0')).toBe('');
  const setting = (where: NetworkSandbox, link: string, key: string) => run(where, 'cat', `/proc/sys/net/ipv6/conf/${link}/${key}`).text;
  expect([setting(host, 'docker0', 'accept_ra'), setting(host, 'docker0', 'disable_ipv6')]).toEqual(['0\n', '1\n']);
  // As a current dockerd has them.
  expect(['all', 'default', 'lo', 'eth0'].map((link) => setting(container, link, 'disable_ipv6'))).toEqual(['0\n', '0\n', '0\n', '1\n']);
  expect(ipv6(container, 'lo')).toContain('inet6 ::1/128 scope host');
  expect(run(container, 'ping', '-c', '1', '-W', '1', '::1')).toMatchObject({ status: 0 });
  run(container, 'sysctl', '-w', 'net.ipv6.conf.all.disable_ipv6=0');
  expect(ipv6(container, 'eth0')).toContain('inet6 fe80::42:acff:fe11:2/64');
});

test('a bridge of somebody else keeps its IPv6, and listens to no router', () => {
  using inHost = new RouteSocket(host.fd);
  inHost.send(addBridge({ name: 'docker0', mtu: 1500, up: true }));
  run(host, 'ip', '-6', 'addr', 'add', 'fd00::1/64', 'dev', 'docker0');
  ensureBridge({ ...bridge, namespace: host.fd });
  expect(run(host, 'ip', '-6', 'addr', 'show', 'docker0').text).toContain('fd00::1/64');
  expect(run(host, 'cat', '/proc/sys/net/ipv6/conf/docker0/accept_ra').text).toBe('0\n');
});

test('a link of another kind is not taken for a bridge', () => {
  using inHost = new RouteSocket(host.fd);
  inHost.send(addVeth({ name: 'docker0' }, { name: 'other' }));
  expect(() => ensureBridge({ ...bridge, namespace: host.fd })).toThrow(expect.objectContaining({ kind: 'conflict' }));
});

test('an attachment that fails leaves no link behind', async () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  await expect(container.attach({ ...attachment, gateway: '10.0.0.1' })).rejects.toThrow('ENETUNREACH');
  using inHost = new RouteSocket(host.fd);
  expect(inHost.links().map((link) => link.name)).not.toContain('veth0000001');
  await container.attach(attachment);
});

test('a link is taken from a sandbox that lives on, twice is once, and its name is free at once', async () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  await container.attach(attachment);
  await detachLink('veth0000001', host.fd);
  await detachLink('veth0000001', host.fd);
  await container.attach(attachment);
});

test('a link is made in the second attempt where its name was taken in the first', async () => {
  ensureBridge({ ...bridge, namespace: host.fd });
  using inHost = new RouteSocket(host.fd);
  inHost.send(addVeth({ name: attachment.hostName }, { name: 'other' }));
  await expect(container.attach(attachment)).rejects.toMatchObject({ code: 'EEXIST' });
  await detachLink(attachment.hostName, host.fd);
  await container.attach(attachment);
  expect(run(container, 'ip', '-4', 'addr', 'show', 'eth0').text).toContain('172.17.0.2/16');
});

test('a container reaches a machine that knows no way back to it', async () => {
  connectFar();
  ensureBridge({ ...bridge, namespace: host.fd });
  await container.attach(attachment);
  expect(run(container, 'ping', '-c', '1', '-W', '1', '192.0.2.2').status).not.toBe(0);
  const firewall = new Firewall('berth_test', host.fd);
  await firewall.applyRuleSet({ bridges: [{ bridge: 'docker0', subnet: '172.17.0.0/16' }], publishedPorts: [] });
  expect(run(container, 'ping', '-c', '1', '-W', '1', '192.0.2.2')).toMatchObject({ status: 0 });
  await firewall.removeRuleSet();
  await firewall.removeRuleSet();
});

test('a published port is reached from far, from the host, by 127.0.0.1 and from the container itself, others are not', async () => {
  connectFar();
  ensureBridge({ ...bridge, namespace: host.fd });
  await container.attach(attachment);
  await serve(container, 80);
  const firewall = new Firewall('berth_test', host.fd);
  expect(firewall.publishedRules()).toBeUndefined();
  const web = { protocol: 'tcp', hostPort: 8080, containerAddress: '172.17.0.2', containerPort: 80 } as const;
  const local = { ...web, hostPort: 8081, hostAddress: '127.0.0.1' };
  await firewall.applyRuleSet({ bridges: [{ bridge: 'docker0', subnet: '172.17.0.0/16' }], publishedPorts: [web] });
  await firewall.publish([local]);
  await firewall.publish([local, web]);
  expect(firewall.publishedRules()).toEqual(new Set([local, web].map((rule) => firewall.nameOf(rule))));
  await expect(firewall.publish([{ ...web, containerPort: 81 }])).rejects.toMatchObject({ kind: 'conflict' });
  expect(await connect(far, '192.0.2.1', 8080)).toBe('served');
  expect(await connect(host, '192.0.2.1', 8080)).toBe('served');
  expect(await connect(host, '127.0.0.1', 8080)).toBe('served');
  expect(await connect(host, '127.0.0.1', 8081)).toBe('served');
  expect(await connect(container, '172.17.0.1', 8080)).toBe('served');
  expect(await connect(far, '192.0.2.1', 8081)).not.toContain('served');
  // Nobody outside goes around the published port.
  run(far, 'ip', 'route', 'add', '172.17.0.0/16', 'via', '192.0.2.1');
  expect(await connect(far, '172.17.0.2', 80)).not.toContain('served');
  await firewall.unpublish([web]);
  await expect(firewall.unpublish([web])).rejects.toMatchObject({ kind: 'not-found' });
  expect(await connect(far, '192.0.2.1', 8080)).not.toContain('served');
}, 20_000);

test('thousands of ports are published and withdrawn in one transaction each, all or none', async () => {
  const firewall = new Firewall('berth_test', host.fd);
  await firewall.applyRuleSet({ bridges: [{ bridge: 'docker0', subnet: '172.17.0.0/16' }], publishedPorts: [] });
  const ports = (protocol: 'tcp' | 'udp', hostAddress?: string) =>
    Array.from({ length: 6_000 }, (_none, at) => ({ protocol, hostPort: 20_000 + at, containerAddress: '172.17.0.2', containerPort: 20_000 + at, ...(hostAddress ? { hostAddress } : {}) }));
  const all = [...ports('udp'), ...ports('tcp', '127.0.0.1')];
  await firewall.publish(all);
  expect(firewall.publishedRules()?.size).toBe(12_000);
  await expect(firewall.publish([...ports('tcp'), { ...all[0]!, containerPort: 1 }])).rejects.toMatchObject({ kind: 'conflict' });
  expect(firewall.publishedRules()?.size).toBe(12_000);
  await firewall.unpublish(all);
  expect(firewall.publishedRules()?.size).toBe(0);
}, 20_000);

test('bridges do not reach each other, and an internal one has no way out', async () => {
  connectFar();
  ensureBridge({ ...bridge, namespace: host.fd });
  ensureBridge({ name: 'br-other', gateway: '172.18.0.1', prefixLength: 16, mtu: 1500, namespace: host.fd });
  await container.attach(attachment);
  const other = world.opening(NetworkSandbox.create(host.fd));
  await other.attach({ ...attachment, bridge: 'br-other', hostName: 'veth0000002', mac: macOf('172.18.0.2'), address: '172.18.0.2', gateway: '172.18.0.1' });
  await new Firewall('berth_test', host.fd).applyRuleSet({
    bridges: [
      { bridge: 'docker0', subnet: '172.17.0.0/16' },
      { bridge: 'br-other', subnet: '172.18.0.0/16', internal: true },
    ],
    publishedPorts: [],
  });
  // With a way back, it is not for want of an answer.
  run(far, 'ip', 'route', 'add', '172.18.0.0/16', 'via', '192.0.2.1');
  expect(run(container, 'ping', '-c', '1', '-W', '1', '172.18.0.2').status).not.toBe(0);
  expect(run(other, 'ping', '-c', '1', '-W', '1', '172.17.0.2').status).not.toBe(0);
  expect(run(other, 'ping', '-c', '1', '-W', '1', '192.0.2.2').status).not.toBe(0);
});

test.each([
  ['the tables', 'flush ruleset'],
  ['its rules', 'flush table ip berth_test'],
])('that somebody has flushed %s is told, until they are made anew', async (_, order) => {
  const firewall = new Firewall('berth_test', host.fd);
  const rules = { bridges: [{ bridge: bridge.name, subnet: '172.17.0.0/16' }], publishedPorts: [] };
  await firewall.applyRuleSet(rules);
  expect(firewall.hasRules()).toBe(true);
  inNetworkNamespace(host.fd, () => execFileSync('nft', [order]));
  expect(firewall.hasRules()).toBe(false);
  await firewall.applyRuleSet(rules);
  expect(firewall.hasRules()).toBe(true);
});

test('text that is no address never reaches nft', async () => {
  const firewall = new Firewall('berth_test', host.fd);
  await expect(async () => firewall.publish([{ protocol: 'tcp', hostPort: 1, containerAddress: '1.2.3.4 }; flush ruleset #', containerPort: 1 }])).rejects.toMatchObject({ kind: 'invalid' });
});

test('a pool hands out sandboxes and makes new ones', async () => {
  using pool = new SandboxPool(3);
  await expect.poll(() => pool.ready).toBe(3);
  using one = pool.take();
  expect(pool.ready).toBe(2);
  await expect.poll(() => pool.ready).toBe(3);
  expect(one.path).toBe(`/proc/${process.pid}/fd/${one.fd}`);
});

test('a sandbox with ids of its own belongs to a user namespace that has them', () => {
  const range = (outside: number) => [{ inside: 0, outside, size: 65536 }];
  using sandbox = NetworkSandbox.create(-1, { uids: range(100000), gids: range(200000) });
  const { ownerPath = '', path } = sandbox;
  const look = spawnSync('nsenter', [`--user=${ownerPath}`, `--net=${path}`, 'sh', '-c', 'cat /proc/self/uid_map /proc/self/gid_map; ip link set lo down && echo down'], { encoding: 'utf8' });
  expect(look.stdout.trim().split(/\s+/)).toEqual(['0', '100000', '65536', '0', '200000', '65536', 'down']);
  using plain = NetworkSandbox.create();
  expect(plain.ownerPath).toBeUndefined();
});

test('a map that the kernel refuses leaves nothing behind', () => {
  const range = [{ inside: 0, outside: 100000, size: 10 }, { inside: 5, outside: 300000, size: 10 }];
  const before = readdirSync('/proc/self/fd').length;
  expect(() => NetworkSandbox.create(-1, { uids: range, gids: range })).toThrow('clone CLONE_NEWUSER: EINVAL');
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { addAddress, addBridge, addVeth, setLink } from '#libs/netlink/route.js';
import { ensureBridge, removeBridge, removeBridgeAddress } from './bridge.js';
import { Firewall } from './firewall.js';
import { Forwarding } from './forwarding.js';
import { macOf } from './mac-address.js';
import { RouteSocket } from './route-socket.js';
import { ruleSetText } from './rule-set.js';
import { SandboxPool } from './sandbox-pool.js';
import { NetworkSandbox, detachLink } from './sandbox.js';

/** Three networks: a client far away, the host, one container. The machine's own stays untouched. */
let far: NetworkSandbox;
let host: NetworkSandbox;
let container: NetworkSandbox;
let servers: Server[];
const opened: Disposable[] = [];

beforeEach(() => {
  servers = [];
  far = NetworkSandbox.create();
  host = NetworkSandbox.create();
  container = NetworkSandbox.create(host.fd);
  opened.push(far, host, container);
});

afterEach(async () => {
  for (const server of servers) await new Promise((done) => server.close(done));
  for (const one of opened.splice(0).reverse()) one[Symbol.dispose]();
});

const bridge = { name: 'docker0', gateway: '172.17.0.1', prefixLength: 16, mtu: 1500 };
const attachment = { bridge: 'docker0', hostName: 'veth0000001', containerName: 'eth0', mac: macOf('172.17.0.2'), address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mtu: 1500 };

function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'berth-network-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** host 192.0.2.1 <-> far 192.0.2.2; far knows no way to 172.17.0.0/16. The host forwards. */
function connectFar(): void {
  run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
  using inHost = new RouteSocket(host.fd);
  using inFar = new RouteSocket(far.fd);
  inHost.send(addVeth({ name: 'up0', up: true }, { name: 'eth0', namespace: far.fd }));
  inHost.send(addAddress(inHost.link('up0')?.index ?? 0, '192.0.2.1', 24));
  inFar.send(addAddress(inFar.link('eth0')?.index ?? 0, '192.0.2.2', 24), setLink('eth0', { up: true }));
}

function run(where: NetworkSandbox, ...command: string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = inNetworkNamespace(where.fd, () => spawnSync('busybox', command, { encoding: 'utf8', timeout: 10_000 }));
  return { status, text: stdout + stderr };
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
  const other = NetworkSandbox.create(host.fd);
  opened.push(other);
  await other.attach({ ...attachment, bridge: 'br-other', hostName: 'veth0000002', mac: macOf('172.18.0.2'), address: '172.18.0.2', gateway: '172.18.0.1' });
  await new Firewall('berth_test', host.fd).applyRuleSet({
    bridges: [
      { bridge: 'docker0', subnet: '172.17.0.0/16' },
      { bridge: 'br-other', subnet: '172.18.0.0/16', internal: true },
    ],
    publishedPorts: [],
  });
  expect(run(container, 'ping', '-c', '1', '-W', '1', '172.18.0.2').status).not.toBe(0);
  expect(run(other, 'ping', '-c', '1', '-W', '1', '172.17.0.2').status).not.toBe(0);
  expect(run(other, 'ping', '-c', '1', '-W', '1', '192.0.2.2').status).not.toBe(0);
});

describe('a host that did not forward before', () => {
  const rules = { bridges: [{ bridge: 'docker0', subnet: '172.17.0.0/16' }], publishedPorts: [] };
  let near: NetworkSandbox;

  /** `address`.1 of the host on a new link <-> `address`.2, whose way to all else is the host. */
  function connectTo(where: NetworkSandbox, link: string, address: string): void {
    using inHost = new RouteSocket(host.fd);
    inHost.send(addVeth({ name: link, up: true }, { name: 'eth0', namespace: where.fd }));
    run(host, 'ip', 'addr', 'add', `${address}.1/24`, 'dev', link);
    run(where, 'ip', 'addr', 'add', `${address}.2/24`, 'dev', 'eth0');
    run(where, 'ip', 'link', 'set', 'eth0', 'up');
    run(where, 'ip', 'route', 'add', 'default', 'via', `${address}.1`);
  }
  const reaches = (from: NetworkSandbox, to: string) => run(from, 'ping', '-c', '1', '-W', '1', to).status === 0;
  /** The kernel takes up to a second until a link that is new carries. */
  const reachesSoon = (from: NetworkSandbox, to: string) => expect.poll(() => reaches(from, to), { timeout: 5_000 }).toBe(true);

  /** A guest on a bridge that another engine makes, now. */
  async function guestOfAnother(name: string, number = 2): Promise<NetworkSandbox> {
    ensureBridge({ name, gateway: '172.18.0.1', prefixLength: 16, mtu: 1500, namespace: host.fd });
    const guest = NetworkSandbox.create(host.fd);
    opened.push(guest);
    await guest.attach({ ...attachment, bridge: name, hostName: `veth000000${number}`, mac: macOf(`172.18.0.${number}`), address: `172.18.0.${number}`, gateway: '172.18.0.1' });
    return guest;
  }

  beforeEach(async () => {
    near = NetworkSandbox.create();
    opened.push(near);
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=0'); // a new network has this machine's
    connectTo(far, 'up0', '192.0.2');
    connectTo(near, 'down0', '198.51.100');
    ensureBridge({ ...bridge, namespace: host.fd });
    await container.attach(attachment);
  });

  test('does it for containers alone, and keeps apart what was apart, one that did before nothing', async () => {
    using notes = temporaryDirectory();
    const forwarding = new Forwarding(`${notes.path}/ours`, host.fd);
    const apart = forwarding.linksApart() ?? [];
    expect(apart).toEqual(expect.arrayContaining(['up0', 'down0']));
    expect(apart).not.toContain('docker0');
    const firewall = new Firewall('berth_test', host.fd);
    await firewall.applyRuleSet({ ...rules, apart });
    forwarding.switchOn(() => undefined);
    forwarding.stop();
    expect(forwarding.linksApart()).toEqual(apart);
    expect(new Forwarding(`${notes.path}/others`, host.fd).linksApart()).toBeUndefined();

    await reachesSoon(container, '192.0.2.2');
    expect(reaches(far, '198.51.100.2')).toBe(false);
    await firewall.applyRuleSet(rules);
    await reachesSoon(far, '198.51.100.2');
  }, 20_000);

  test('keeps apart the links of now, where a former release has noted none', async () => {
    using notes = temporaryDirectory();
    const note = `${notes.path}/ours`;
    writeFileSync(note, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
    const apart = new Forwarding(note, host.fd).linksApart();
    expect(apart).toEqual(expect.arrayContaining(['up0', 'down0']));
    const later = NetworkSandbox.create();
    opened.push(later);
    connectTo(later, 'later0', '203.0.113');
    expect(new Forwarding(note, host.fd).linksApart()).toEqual(apart);
  });

  test('keeps tunnels apart from cards that come later, and from all other links that were there', async () => {
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
    // As if all were tunnels but the one that was there.
    const text = ruleSetText({ ...rules, table: 'berth_test', apart: ['up0'] });
    const apply = (rules: string) => inNetworkNamespace(host.fd, () => spawnSync('nft', ['-f', '-'], { input: rules })).status;
    expect(apply(text)).toBe(0);
    await reachesSoon(far, '198.51.100.2');
    await reachesSoon(near, '192.0.2.2');
    expect(apply(text.replaceAll('"wireguard"', '"veth"'))).toBe(0);
    expect([reaches(far, '198.51.100.2'), reaches(near, '192.0.2.2')]).toEqual([false, false]);
    const peer = NetworkSandbox.create();
    opened.push(peer);
    connectTo(peer, 'tun0', '203.0.113');
    await reachesSoon(peer, '198.51.100.2');
    await reachesSoon(container, '192.0.2.2');
    await reachesSoon(await guestOfAnother('virbr0'), '192.0.2.2');
  }, 20_000);

  test('keeps cards apart that come later', async () => {
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
    // No kernel has a card to spare, and not all have links of a card's kinds: as if those that are there were of one.
    const text = ruleSetText({ ...rules, table: 'berth_test', apart: [] });
    const apply = (rules: string) => inNetworkNamespace(host.fd, () => spawnSync('nft', ['-f', '-'], { input: rules })).status;
    expect(apply(text)).toBe(0);
    await reachesSoon(far, '198.51.100.2');
    expect(apply(text.replaceAll('"vlan"', '"veth"'))).toBe(0);
    expect(reaches(far, '198.51.100.2')).toBe(false);
    await reachesSoon(container, '192.0.2.2');
    await reachesSoon(await guestOfAnother('virbr0'), '192.0.2.2');
  }, 20_000);

  test.skipIf(!existsSync('/proc/sys/net/bridge'))('has bridges that forward as before, though br_netfilter asks the firewall', async () => {
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
    run(host, 'sysctl', '-w', 'net.bridge.bridge-nf-call-iptables=1');
    const [one, other] = [await guestOfAnother('br-lan'), await guestOfAnother('br-lan', 3)];
    await reachesSoon(one, '192.0.2.2');
    await new Firewall('berth_test', host.fd).applyRuleSet({ ...rules, apart: ['br-lan', 'up0', 'down0'] });
    expect(reaches(one, '192.0.2.2')).toBe(false);
    await reachesSoon(one, '172.18.0.3');
    await reachesSoon(other, '172.18.0.2');
  }, 20_000);

  test('forwards for others, too, who come later and count on it', async () => {
    using notes = temporaryDirectory();
    const forwarding = new Forwarding(`${notes.path}/ours`, host.fd);
    await new Firewall('berth_test', host.fd).applyRuleSet({ ...rules, apart: forwarding.linksApart() ?? [] });
    forwarding.switchOn(() => undefined);
    forwarding.stop();
    const guest = await guestOfAnother('virbr0');
    await reachesSoon(guest, '192.0.2.2');
    await reachesSoon(far, '172.18.0.2');
    // A routed tunnel, as far as the firewall sees one.
    const peer = NetworkSandbox.create();
    opened.push(peer);
    connectTo(peer, 'wg0', '203.0.113');
    await reachesSoon(peer, '198.51.100.2');
    await reachesSoon(near, '203.0.113.2');
    expect(reaches(far, '198.51.100.2')).toBe(false);
  }, 20_000);

  test('is theirs who say that it shall forward, from then on', async () => {
    using notes = temporaryDirectory();
    const forwarding = new Forwarding(`${notes.path}/ours`, host.fd);
    let wanted = 0;
    let applied = Promise.resolve();
    const apply = async (): Promise<void> => {
      const apart = forwarding.linksApart();
      await new Firewall('berth_test', host.fd).applyRuleSet({ ...rules, ...(apart ? { apart } : {}) });
      forwarding.switchOn(() => (wanted++, void (applied = apply())));
    };
    await apply();
    await apply();
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=0');
    await new Promise((resolve) => setTimeout(resolve, 300)); // who is not told is told of nothing
    await apply();
    expect([wanted, reaches(far, '198.51.100.2')]).toEqual([0, false]);
    run(host, 'sysctl', '-w', 'net.ipv4.ip_forward=1');
    await expect.poll(() => reaches(far, '198.51.100.2'), { timeout: 5_000 }).toBe(true);
    await applied;
    expect([wanted, forwarding.linksApart()]).toEqual([1, undefined]);
    forwarding.stop();
  }, 20_000);
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

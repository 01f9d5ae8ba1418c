import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { addVeth } from '#libs/netlink/route.js';
import { ensureBridge } from './bridge.js';
import { Firewall } from './firewall.js';
import { Forwarding } from './forwarding.js';
import { macOf } from './mac-address.js';
import { RouteSocket } from './route-socket.js';
import { ruleSetText } from './rule-set.js';
import { NetworkSandbox } from './sandbox.js';
import { attachment, bridge, NetworkWorld, run } from './testing/network-world.js';

let world: NetworkWorld;
let far: NetworkSandbox;
let host: NetworkSandbox;
let container: NetworkSandbox;

beforeEach(() => {
  world = new NetworkWorld();
  ({ far, host, container } = world);
});

afterEach(() => world[Symbol.dispose]());

function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'berth-network-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

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
    const guest = world.opening(NetworkSandbox.create(host.fd));
    await guest.attach({ ...attachment, bridge: name, hostName: `veth000000${number}`, mac: macOf(`172.18.0.${number}`), address: `172.18.0.${number}`, gateway: '172.18.0.1' });
    return guest;
  }

  beforeEach(async () => {
    near = world.opening(NetworkSandbox.create());
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
    const later = world.opening(NetworkSandbox.create());
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
    const peer = world.opening(NetworkSandbox.create());
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
    const peer = world.opening(NetworkSandbox.create());
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

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FoldedLog } from '#libs/event-store/fold.js';
import { addAddress, addBridge } from '#libs/netlink/route.js';
import { removeBridge } from '../../adapters/network/bridge.js';
import { GivenAddresses } from '../../adapters/network/given-addresses.js';
import { RouteSocket } from '../../adapters/network/route-socket.js';
import type { PublishedPortRule, RuleSet } from '../../adapters/network/rule-set.js';
import { LiveTask } from '../tasks/live-task.js';
import { NetworksOnHost } from './networks-on-host.js';
import { rulesOf } from './port-publisher.js';

const bridge = { bridge: `bt${process.pid}`, gateway: '192.0.2.1', prefixLength: 30, mtu: 1500 };
const taskAt = (address: string): LiveTask => Object.assign(new LiveTask({ container: 'c', start: 1 }, '/nowhere'), { address, ports: [{ containerPort: 53, protocol: 'udp', hostIp: '', hostPort: 53 }] });
const unused = {} as unknown as FoldedLog; // nothing is folded here

test('rules made anew are followed by what the kernel is to forget: all flows but those that go as published', async () => {
  const [running, gone] = [taskAt('192.0.2.2'), taskAt('192.0.2.3')];
  const done: unknown[] = [];
  const applied: Omit<RuleSet, 'table'>[] = [];
  let apart: readonly string[] | undefined = ['eth0', 'eth1'];
  let onWanted: () => void = () => undefined;
  const networks = new NetworksOnHost(
    { hasRules: () => false, applyRuleSet: async (rules) => void (applied.push(rules), done.push('applied')) },
    { linksApart: () => apart, switchOn: (wanted) => (onWanted = wanted), stop: () => undefined },
    { has: () => false, add: () => undefined, delete: () => undefined },
    { all: () => [running].values() },
    { forget: async (rules: readonly PublishedPortRule[], published?: readonly PublishedPortRule[]) => void done.push({ rules, published }) },
    unused,
    '/nowhere',
    () => undefined,
  );
  try {
    await networks.ensure({ network: 'n1', ...bridge, internal: false });
    done.length = 0;
    await networks.restore(rulesOf(gone));
    expect(done).toEqual(['applied', { rules: [...rulesOf(running), ...rulesOf(gone)], published: rulesOf(running) }]);

    expect(applied.at(-1)?.apart).toEqual(apart);
    apart = undefined;
    onWanted();
    await expect.poll(() => applied.length).toBe(3);
    expect(applied.at(-1)).not.toHaveProperty('apart');

    await networks.ensureRules();
    expect(applied).toHaveLength(4);
  } finally {
    removeBridge(bridge.bridge);
  }
});

test("from an administrator's bridge to another one, the address goes that it was given, not one that it had; what cannot go keeps nothing else, and is tried again", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-networks-'));
  const names = ['a', 'b', 'c'].map((letter) => `b${letter}${process.pid}`) as [string, string, string];
  const [theirs, had, own] = names;
  const errors: unknown[] = [];
  let isStuck = true;
  const start = () => {
    const given = new GivenAddresses(join(folder, 'given'));
    return new NetworksOnHost(
      { hasRules: () => true, applyRuleSet: () => Promise.resolve() },
      { linksApart: () => undefined, switchOn: () => undefined, stop: () => undefined },
      {
        has: (address) => {
          if (isStuck && address.name === theirs) throw new Error('stuck');
          return given.has(address);
        },
        add: (address) => given.add(address),
        delete: (address) => given.delete(address),
      },
      { all: () => [].values() },
      { forget: () => Promise.resolve() },
      unused,
      '/nowhere',
      (_message, error) => void errors.push(error),
    );
  };
  const addresses = (): string[][] =>
    names.map((name) => spawnSync('busybox', ['ip', '-4', '-o', 'addr', 'show', name], { encoding: 'utf8' }).stdout.match(/(?<=inet )\S+/g) ?? []);
  const place = { network: 'n1', gateway: '192.0.2.1', prefixLength: 30, mtu: 1500, internal: false };
  try {
    using routes = new RouteSocket();
    routes.send(addBridge({ name: theirs, up: true }), addBridge({ name: had, up: true }));
    routes.send(addAddress(routes.link(had)?.index ?? 0, '192.0.2.1', 30));
    await start().ensure({ ...place, bridge: theirs }); // an executor that is gone before the change
    const networks = start();
    await networks.ensure({ ...place, bridge: theirs });
    await networks.ensure({ ...place, bridge: had });
    await networks.ensure({ ...place, bridge: own });
    expect([errors.length, addresses()]).toEqual([2, [['192.0.2.1/30'], ['192.0.2.1/30'], ['192.0.2.1/30']]]);
    isStuck = false;
    await networks.restore();
    expect([errors.length, addresses()]).toEqual([2, [[], ['192.0.2.1/30'], ['192.0.2.1/30']]]);
  } finally {
    for (const name of names) spawnSync('busybox', ['ip', 'link', 'del', name]);
    rmSync(folder, { recursive: true });
  }
});

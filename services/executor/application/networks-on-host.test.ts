import { expect, test } from 'vitest';
import type { FoldedLog } from '#libs/event-store/fold.js';
import { removeBridge } from '../adapters/network/bridge.js';
import type { PublishedPortRule, RuleSet } from '../adapters/network/rule-set.js';
import { LiveTask } from './live-task.js';
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
  } finally {
    removeBridge(bridge.bridge);
  }
});

import { expect, test } from 'vitest';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { PublishedPortRule } from '../../adapters/network/rule-set.js';
import { LiveTask } from '../tasks/live-task.js';
import { PortPublisher } from './port-publisher.js';

/** A firewall that takes its time to forget, and tells what it was told in its order. */
class SlowFirewall {
  readonly done: string[] = [];
  private readonly waiting: (() => void)[] = [];

  async publish(rules: readonly PublishedPortRule[]): Promise<void> {
    this.done.push(`publish ${rules.map(({ hostPort }) => hostPort).join(' ')}`);
  }
  async unpublish(rules: readonly PublishedPortRule[]): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.done.push(`unpublish ${rules.map(({ hostPort }) => hostPort).join(' ')}`);
  }
  goOn(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

const noFlows = { forget: async () => undefined };
const noPorts = { hold: async () => undefined, release: () => undefined };
const endpoint = (...hostPorts: number[]) => ({ address: '10.0.0.2', ports: hostPorts.map((hostPort) => ({ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort })) }) as unknown as EndpointSettings; // what is published of it
const run = (start: number) => new LiveTask({ container: 'c', start }, '/nowhere');

test('a port is published after it was taken from who had it before, whose removal takes longer', async () => {
  const firewall = new SlowFirewall();
  const ports = new PortPublisher(firewall, noPorts, noFlows);
  const [first, second, other] = [run(1), run(2), run(3)];
  await ports.publish(first, endpoint(8080, 8081), 'c');
  const unpublished = ports.unpublish(first);
  const published = ports.publish(second, endpoint(8081), 'c');
  // It waits for nobody.
  await ports.publish(other, endpoint(9090), 'c');
  expect(firewall.done).toEqual(['publish 8080 8081', 'publish 9090']);
  firewall.goOn();
  await Promise.all([unpublished, published]);
  expect(firewall.done.slice(2)).toEqual(['unpublish 8080 8081', 'publish 8081']);
});

/** All that is held or published, by host port. Asked for the port 1, it lets the task end first, and refuses. */
class Host {
  readonly held = new Set<number>();
  readonly published = new Set<number>();
  onRefusal: () => Promise<unknown> = async () => undefined;

  async hold(rules: readonly PublishedPortRule[]): Promise<void> {
    if (rules.some(({ hostPort }) => hostPort === 1)) {
      await this.onRefusal();
      throw new Error('address already in use');
    }
    for (const { hostPort } of rules) this.held.add(hostPort);
  }
  release(rules: readonly PublishedPortRule[]): void {
    for (const { hostPort } of rules) this.held.delete(hostPort);
  }
  async publish(rules: readonly PublishedPortRule[]): Promise<void> {
    for (const { hostPort } of rules) this.published.add(hostPort);
  }
  async unpublish(rules: readonly PublishedPortRule[]): Promise<void> {
    for (const { hostPort } of rules) this.published.delete(hostPort);
  }
}

test.each([
  ['a change that is refused leaves a task what it had', false, [8080]],
  ['a change that is refused leaves nothing of a task that ended meanwhile', true, []],
])('%s', async (_what, ends, left) => {
  const host = new Host();
  const ports = new PortPublisher(host, host, noFlows);
  const task = run(1);
  await ports.publish(task, endpoint(8080), 'c');
  host.onRefusal = async () => {
    if (!ends) return;
    task.hasExited = true;
    await ports.unpublish(task);
  };
  await expect(ports.change(task, endpoint(1, 9090), 'c')).rejects.toThrow('address already in use');
  expect([...host.held]).toEqual(left);
  expect([...host.published]).toEqual(left);
});

test('nor does it where the task ends while it gets back what it had', async () => {
  const host = new Host();
  const ports = new PortPublisher(host, host, noFlows);
  const task = run(1);
  await ports.publish(task, endpoint(8080), 'c');
  const { publish } = Host.prototype;
  host.publish = async (rules) => {
    task.hasExited = true;
    await ports.unpublish(task);
    await publish.call(host, rules);
  };
  await expect(ports.change(task, endpoint(1), 'c')).rejects.toThrow('address already in use');
  expect([...host.held, ...host.published]).toEqual([]);
});

import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { PublishedEndpoint } from '#contracts/executor/tasks.js';
import { BerthError } from '#libs/errors/errors.js';
import type { Firewall } from '../../adapters/network/firewall.js';
import type { HostPorts } from '../../adapters/network/host-ports.js';
import type { PublishedPortRule } from '../../adapters/network/rule-set.js';
import type { UdpFlows } from '../../adapters/network/udp-flows.js';
import type { LiveTask } from '../tasks/live-task.js';

/** Host ports of running tasks: each is held by a socket of this process, and is an element of the firewall's maps. */
export class PortPublisher {
  /** Those that the firewall is being told to forget, which takes it as long as the kernel's readers do, by protocol and port. */
  private readonly goingOut = new Map<string, Promise<void>>();

  constructor(
    private readonly firewall: Pick<Firewall, 'publish' | 'unpublish'>,
    private readonly hostPorts: Pick<HostPorts, 'hold' | 'release'>,
    private readonly flows: Pick<UdpFlows, 'forget'>,
  ) {}

  /** `name`: the container's, for who reads the error. */
  async publish(task: LiveTask, endpoint: EndpointSettings, name: string): Promise<void> {
    if (endpoint.ports.length === 0) return;
    task.ports = endpoint.ports;
    task.address = endpoint.address;
    await this.hostPorts.hold(rulesOf(task), name);
    await this.bringIn(rulesOf(task));
  }

  /** What a predecessor's sockets held, whose rules are there still. Rejects where somebody was faster: the container keeps its rules. */
  async holdAgain(task: LiveTask): Promise<void> {
    await this.hostPorts.hold(rulesOf(task), task.identity.container);
  }

  /** These from now on, instead of what it has. Rejects, and it has what it had, where a port is taken. Not for a task that is starting. */
  async change(task: LiveTask, { address, ports }: PublishedEndpoint, name: string): Promise<void> {
    const before = rulesOf(task);
    const after = rulesOf({ address, ports });
    const gone = before.filter((rule) => !after.some((other) => isSame(rule, other)));
    const added = after.filter((rule) => !before.some((other) => isSame(rule, other)));
    try {
      // Its own socket at one address must not be in the way of the one at all addresses, or the other way round.
      this.hostPorts.release(gone.filter((rule) => added.some((other) => portOf(rule) === portOf(other) && !hasSameHostPort(rule, other))));
      await this.hostPorts.hold(added, name);
      await this.takeOut(gone);
      await this.bringIn(after);
    } catch (error) {
      this.hostPorts.release(added.filter((rule) => !before.some((other) => hasSameHostPort(rule, other))));
      await this.takeOut(added);
      if (!task.hasExited) {
        // Somebody may have been faster by now: it has its rules nevertheless.
        await this.hostPorts.hold(before, name).catch(() => undefined);
        await this.bringIn(before);
      }
      if (task.hasExited) await this.giveUp(before);
      throw error;
    }
    if (task.hasExited) return this.giveUp(after);
    task.address = address;
    task.ports = ports;
    this.hostPorts.release(gone.filter((rule) => !after.some((other) => hasSameHostPort(rule, other))));
  }

  async unpublish(task: LiveTask): Promise<void> {
    if (task.ports.length === 0) return;
    const rules = rulesOf(task);
    task.ports = [];
    // Before anything is awaited: the container's next run holds them anew.
    this.hostPorts.release(rules);
    await this.takeOut(rules);
  }

  /** Of a task that ended while they were changed, and took out what it had by then. */
  private giveUp(rules: readonly PublishedPortRule[]): Promise<void> {
    this.hostPorts.release(rules);
    return this.takeOut(rules);
  }

  /** After whoever had one of these ports before: told the other way round, the firewall would forget what is published now. */
  private async bringIn(rules: readonly PublishedPortRule[]): Promise<void> {
    await Promise.all(rules.map((rule) => this.goingOut.get(portOf(rule))));
    await this.firewall.publish(rules);
    // Packets of a peer that has sent here since before it was published go to it from now on, too.
    await this.flows.forget(rules, rules);
  }

  private takeOut(rules: readonly PublishedPortRule[]): Promise<void> {
    const done = this.takeOutNow(rules).then(() => this.flows.forget(rules));
    const settled = done.catch(() => undefined);
    for (const rule of rules) this.goingOut.set(portOf(rule), settled);
    void settled.then(() => {
      for (const rule of rules) if (this.goingOut.get(portOf(rule)) === settled) this.goingOut.delete(portOf(rule));
    });
    return done;
  }

  /** What is not there, since somebody else flushed the table or a change took it out, is as wished. */
  private async takeOutNow(rules: readonly PublishedPortRule[]): Promise<void> {
    try {
      await this.firewall.unpublish(rules);
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind !== 'not-found') throw error;
      // All or none: none was. By halves, since of thousands few are missing.
      const half = rules.length >> 1;
      if (half > 0) for (const some of [rules.slice(0, half), rules.slice(half)]) await this.takeOutNow(some);
    }
  }
}

const portOf = ({ protocol, hostPort }: PublishedPortRule): string => `${protocol} ${hostPort}`;
const hasSameHostPort = (one: PublishedPortRule, other: PublishedPortRule): boolean => one.protocol === other.protocol && one.hostPort === other.hostPort && one.hostAddress === other.hostAddress;
const isSame = (one: PublishedPortRule, other: PublishedPortRule): boolean => hasSameHostPort(one, other) && one.containerPort === other.containerPort && one.containerAddress === other.containerAddress;

/** What is published both on 0.0.0.0 and on :: is one rule. */
export function rulesOf(task: PublishedEndpoint): PublishedPortRule[] {
  const rules = task.ports.map(({ protocol, hostIp, hostPort, containerPort }) => ({
    protocol,
    hostPort,
    containerPort,
    containerAddress: task.address,
    ...(hostIp && hostIp !== '0.0.0.0' && hostIp !== '::' ? { hostAddress: hostIp } : {}),
  }));
  return [...new Map(rules.map((rule) => [`${portOf(rule)} ${rule.hostAddress ?? ''} ${rule.containerPort}`, rule])).values()];
}

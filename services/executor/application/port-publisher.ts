import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { BerthError } from '#libs/errors/errors.js';
import type { Firewall } from '../adapters/network/firewall.js';
import type { HostPorts } from '../adapters/network/host-ports.js';
import type { PublishedPortRule } from '../adapters/network/rule-set.js';
import type { LiveTask } from './live-task.js';

/** Host ports of running tasks: each is held by a socket of this process, and is an element of the firewall's maps. */
export class PortPublisher {
  constructor(
    private readonly firewall: Firewall,
    private readonly hostPorts: HostPorts,
  ) {}

  /** `name`: the container's, for who reads the error. */
  async publish(task: LiveTask, endpoint: EndpointSettings, name: string): Promise<void> {
    if (endpoint.ports.length === 0) return;
    task.ports = endpoint.ports;
    task.address = endpoint.address;
    await this.hostPorts.hold(rulesOf(task), name);
    await this.firewall.publish(rulesOf(task));
  }

  /** What a predecessor's sockets held, whose rules are there still. Rejects where somebody was faster: the container keeps its rules. */
  async holdAgain(task: LiveTask): Promise<void> {
    await this.hostPorts.hold(rulesOf(task), task.identity.container);
  }

  async unpublish(task: LiveTask): Promise<void> {
    if (task.ports.length === 0) return;
    const rules = rulesOf(task);
    task.ports = [];
    // Before anything is awaited: the container's next run holds them anew.
    this.hostPorts.release(rules);
    await this.firewall.unpublish(rules).catch((error: unknown) => {
      // Somebody else flushed the table: then it is as wished.
      if (!(error instanceof BerthError) || error.kind !== 'not-found') throw error;
    });
  }
}

export function rulesOf(task: LiveTask): PublishedPortRule[] {
  return task.ports.map(({ protocol, hostIp, hostPort, containerPort }) => ({
    protocol,
    hostPort,
    containerPort,
    containerAddress: task.address,
    ...(hostIp && hostIp !== '0.0.0.0' && hostIp !== '::' ? { hostAddress: hostIp } : {}),
  }));
}

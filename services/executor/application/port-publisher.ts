import type { EndpointSettings } from '#contracts/containers/container-state.js';
import { BerthError } from '#libs/errors/errors.js';
import type { Firewall } from '../adapters/network/firewall.js';
import type { PublishedPortRule } from '../adapters/network/rule-set.js';
import type { LiveTask } from './live-task.js';

/** Host ports of running tasks, as elements of the firewall's maps. */
export class PortPublisher {
  constructor(private readonly firewall: Firewall) {}

  async publish(task: LiveTask, endpoint: EndpointSettings): Promise<void> {
    if (endpoint.ports.length === 0) return;
    task.ports = endpoint.ports;
    task.address = endpoint.address;
    await this.firewall.publish(rulesOf(task));
  }

  async unpublish(task: LiveTask): Promise<void> {
    if (task.ports.length === 0) return;
    const rules = rulesOf(task);
    task.ports = [];
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

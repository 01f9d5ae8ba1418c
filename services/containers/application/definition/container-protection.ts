import type { ProtectionChanged } from '#contracts/containers/protection.js';
import type { RequestContext } from '#contracts/request.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';

/** Whether containers may be removed: the decider refuses what is protected. */
export class ContainerProtection {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
  ) {}

  async change(reference: string, type: 'Protect' | 'Unprotect', asked: RequestContext): Promise<ProtectionChanged> {
    const { id } = this.directory.find(reference).spec;
    const { events, position } = await this.containers.execute(id, { type, at: new Date().toISOString() }, asked);
    return { id, changed: events.length > 0, position };
  }
}

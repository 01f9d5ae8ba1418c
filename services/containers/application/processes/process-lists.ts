import type { ListProcesses } from '#contracts/containers/commands.js';
import { ListTaskProcesses, type ProcessTable } from '#contracts/executor/usage.js';
import type { RequestContext } from '#contracts/request.js';
import type { Bus } from '#libs/messaging/bus.js';
import { checkPsArgs } from '../../domain/process/ps-args.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';

/** `docker top`. */
export class ProcessLists {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
  ) {}

  async list({ container, psArgs }: ListProcesses, asked: RequestContext): Promise<ProcessTable> {
    const args = checkPsArgs(psArgs || '-ef');
    const { id } = this.directory.find(container).spec;
    await this.containers.execute(id, { type: 'ListProcesses', at: new Date().toISOString() }, asked);
    return this.bus.request(ListTaskProcesses, { container: id, psArgs: args }, asked);
  }
}

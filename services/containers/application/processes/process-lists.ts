import type { ListProcesses } from '#contracts/containers/commands.js';
import { ListTaskProcesses, type ProcessTable } from '#contracts/executor/usage.js';
import type { RequestContext } from '#contracts/request.js';
import type { Bus } from '#libs/messaging/bus.js';
import { checkPsArgs } from '../../domain/process/ps-args.js';
import type { ContainerStarts } from '../lifecycle/container-starts.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';

const MINUTE_MS = 60_000;

/** `docker top`. */
export class ProcessLists {
  /** Whose lists are on the log of this minute: who only reads shall not fill the disk with asking again. */
  private readonly logged = new Set<string>();
  private minute = 0;

  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly bus: Bus,
  ) {}

  /** Of a dry run, which only tells what it would append, the table is empty. */
  async list({ container, psArgs }: ListProcesses, asked: RequestContext): Promise<ProcessTable> {
    const args = checkPsArgs(psArgs || '-ef');
    const { id } = this.directory.find(container).spec;
    await this.starts.settled(id);
    await this.record(id, asked);
    if (asked.dryRun) return { titles: [], processes: [] };
    return this.bus.request(ListTaskProcesses, { container: id, psArgs: args }, asked);
  }

  /** Refused of what does not run, on the log or not. */
  private async record(container: string, asked: RequestContext): Promise<void> {
    const now = Date.now();
    const command = { type: 'ListProcesses', at: new Date(now).toISOString() } as const;
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.minute) this.logged.clear();
    this.minute = minute;
    const isLogged = this.logged.has(container);
    if (!isLogged && !asked.dryRun) this.logged.add(container);
    try {
      await this.containers.execute(container, command, isLogged ? { ...asked, planned: [] } : asked);
    } catch (error) {
      if (!isLogged) this.logged.delete(container);
      throw error;
    }
  }
}

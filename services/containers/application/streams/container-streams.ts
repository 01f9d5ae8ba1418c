import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { AttachContainer, AttachReply, DetachContainer, LogsReply, ReadLogs, ResizeContainer, WithdrawAttach } from '#contracts/containers/commands.js';
import { OpenLogs, OpenTaskStreams, ResizeTask } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, conflict, invalid } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { isReadable, logDetails } from '../../domain/log/log-options.js';
import type { ContainerStarts } from '../lifecycle/container-starts.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { PendingAttaches } from './pending-attaches.js';

/** Until an executor is asked again for a task that is being started, and that it does not know. */
const AGAIN_MS = 10;

type Wish = Pick<AttachContainer, 'stdin' | 'stdout' | 'stderr'>;

/** The ways to a container's standard streams and logs. */
export class ContainerStreams {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly attaches: PendingAttaches,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly bus: Bus,
    private readonly runRoot: string,
  ) {}

  async attach(command: AttachContainer, asked: RequestContext): Promise<AttachReply> {
    const { spec, status, run } = this.directory.find(command.container);
    const { id } = spec;
    const facts = { id, terminal: spec.config.Tty ?? false, openStdin: spec.config.OpenStdin ?? false, stdinOnce: spec.config.StdinOnce ?? false };
    const { stdin, stdout, stderr } = command;
    const wish = { stdin, stdout, stderr };
    const recorded = this.containers.execute(id, { type: 'Attach', ...wish, at: now() }, asked);
    if (!command.stream || asked.dryRun) {
      await recorded;
      return { path: '', ticket: '', ...facts, waitForStart: false, start: run.start };
    }
    if (status === 'running') {
      const opened = this.bus.request(OpenTaskStreams, { container: id, start: run.start, ...wish }, asked);
      const [endpoint] = await Promise.all([opened, recorded]);
      return { ...endpoint, ...facts, waitForStart: false, start: run.start };
    }
    await recorded;
    return { ...(await this.placeIn(id, wish, asked)), ...facts };
  }

  /**
   * Of one that does not run: a place among those whom its next start waits for. Where that start is under way and was asked for without it, a place with the task itself, which waits
   * for who comes before its command, too.
   */
  private async placeIn(id: string, wish: Wish, asked: RequestContext): Promise<Omit<AttachReply, 'id' | 'terminal' | 'openStdin' | 'stdinOnce'>> {
    for (;;) {
      const { status, run } = this.directory.find(id);
      if (status !== 'running') {
        const start = status === 'starting' ? run.start : run.start + 1;
        const ticket = randomBytes(16).toString('hex');
        if (this.attaches.add(id, start, { ticket, ...wish })) return { path: `${this.runRoot}/tasks/${id}-${start}/shim.sock`, ticket, waitForStart: true, start };
      }
      try {
        return { ...(await this.bus.request(OpenTaskStreams, { container: id, start: run.start, ...wish }, asked)), waitForStart: false, start: run.start };
      } catch (error) {
        const isNotThere = error instanceof BerthError && error.kind === 'conflict';
        if (!isNotThere || (status === 'running' && this.directory.find(id).status === 'running')) throw error;
        // The executor has not come to that start yet, or it is over, which the log is about to tell.
        await setTimeout(AGAIN_MS);
      }
    }
  }

  async detach({ container, exec }: DetachContainer, asked: RequestContext): Promise<Done> {
    const { position } = await this.containers.execute(this.directory.find(container).spec.id, { type: 'Detach', ...(exec === undefined ? {} : { exec }), at: now() }, asked);
    return { position };
  }

  withdraw({ container, ticket }: WithdrawAttach): { readonly withdrawn: boolean } {
    return { withdrawn: this.attaches.withdraw(container, ticket) };
  }

  async logs(query: ReadLogs, asked: RequestContext): Promise<LogsReply> {
    const { spec, status } = this.directory.find(query.container);
    if (!query.stdout && !query.stderr) throw invalid('Bad parameters: you must choose at least one stream');
    if (status === 'removing') throw conflict('can not get logs from container which is dead or marked for removal');
    if (!isReadable(spec.hostConfig)) throw invalid('configured logging driver does not support reading');
    const terminal = spec.config.Tty ?? false;
    const { details, ...asIs } = query;
    return { ...(await this.bus.request(OpenLogs, { ...asIs, container: spec.id, terminal, ...(details ? { details: logDetails(spec) } : {}) }, asked, { askAgainMs: 5_000 })), terminal };
  }

  async resize({ container, rows, columns }: ResizeContainer, asked: RequestContext): Promise<Done> {
    const { id } = this.directory.find(container).spec;
    await this.starts.settled(id);
    const { start } = this.directory.find(id).run;
    const { position } = await this.containers.execute(id, { type: 'Resize', rows, columns, at: now() }, asked);
    return asked.dryRun ? { position } : this.bus.request(ResizeTask, { container: id, start, rows, columns }, asked);
  }
}

const now = (): string => new Date().toISOString();

import { RemoveContainerFiles } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { RemoveVolume } from '#contracts/volumes/volumes.js';
import { errorMessage, internal, unavailable } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { ContainerSpec, KeptContainer, PresentContainer } from '../../domain/container/container-state.js';
import type { ContainerDirectory, Containers, Names } from '../names/container-directory.js';
import { formerHolder } from '../names/former-holder.js';
import type { UndoGrace } from '../undo/undo-grace.js';
import type { ContainerStarts } from './container-starts.js';
import { AGAIN, KILL_DEADLINE_MS, type RunEnds } from './run-ends.js';

/** Removals, at once or so that the container can come back (`undo`): the intent, the end of its run, its files, its name, its volumes. */
export class ContainerRemovals {
  private readonly underWay = new Map<string, Promise<Done>>();

  constructor(
    private readonly containers: Containers,
    private readonly names: Names,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled' | 'hasStarted'>,
    private readonly ends: RunEnds,
    private readonly bus: Bus,
    private readonly grace: Pick<UndoGrace, 'secondsFor'>,
  ) {}

  /** `keep` false: for good. */
  async remove(reference: string, { keep = true, ...wish }: { force: boolean; volumes: boolean; keep?: boolean }, asked: RequestContext): Promise<Done> {
    const found = this.directory.tryFind(reference);
    // Gone by this very request before: its first answer again.
    if (found === undefined && asked.idempotencyKey !== undefined && (await this.wasRemovedBy(reference, asked.idempotencyKey))) return { position: this.containers.position };
    const container = found ?? this.directory.find(reference);
    const { spec } = container;
    const keepSeconds = keep ? this.grace.secondsFor(spec) : undefined;
    const { events, position } = await this.containers.execute(spec.id, { type: 'Remove', ...wish, ...(keepSeconds === undefined ? {} : { keepSeconds }), at: now() }, asked);
    const isGone = events.some(({ type }) => type === 'ContainerRemoved');
    if (asked.dryRun) return this.planRemoved(container, isGone, wish.volumes, keepSeconds, asked);
    const finished = this.finish(spec.id, asked);
    if (!isGone || wish.volumes) return finished;
    // Nobody needs to wait for its files to be put aside. Where that fails, ContainerWatch tries again; who claims its name comes after its release, begun above.
    finished.catch(() => undefined);
    return { position };
  }

  /** The part of a removal behind its intent: one at a time for a container, however many ask. What was done is not done again. */
  finish(id: string, asked: RequestContext): Promise<Done> {
    const running = this.underWay.get(id);
    if (running) return running;
    const removal = this.removeFully(id, asked).finally(() => this.underWay.delete(id));
    this.underWay.set(id, removal);
    return removal;
  }

  /** Resolves once a removal that is under way has ended, well or badly. */
  async settled(id: string): Promise<void> {
    await this.underWay.get(id)?.catch(() => undefined);
  }

  private async wasRemovedBy(reference: string, key: string): Promise<boolean> {
    const former = await formerHolder(this.names, reference);
    return former !== undefined && this.containers.wasDone(former, 'Remove', key);
  }

  private async planRemoved(container: PresentContainer, isGone: boolean, volumes: boolean, keepSeconds: number | undefined, asked: RequestContext): Promise<Done> {
    const { id, name } = container.spec;
    const { position } = isGone ? this.containers : await this.containers.execute(id, { type: 'RecordRemoved', ...(keepSeconds === undefined ? {} : { keepSeconds }), at: now() }, asked);
    await this.names.execute(name, { type: 'Release', name, container: id }, asked);
    if (volumes) await this.removeVolumes(container, keepSeconds !== undefined, asked);
    return { position };
  }

  private async removeFully(id: string, asked: RequestContext): Promise<Done> {
    const { state } = this.containers.get(id);
    if (state.status === 'kept') return this.putAside(state, asked);
    // Another attempt came to the end, or what was removed is back.
    if (state.status !== 'removing') return { position: this.containers.position };
    const { spec, run, remove } = state;
    if (!run.over) await this.endRun(state, asked);
    const keep = remove?.keepSeconds !== undefined;
    await this.removeFiles(id, keep, asked);
    const [{ position }] = await Promise.all([this.containers.execute(id, { type: 'RecordRemoved', at: now() }, asked), this.releaseName(spec, asked)]);
    if (remove?.volumes) await this.removeVolumes(state, keep, asked);
    return { position };
  }

  /** What follows the removal of a container that can come back. */
  private async putAside({ before, volumes }: KeptContainer, asked: RequestContext): Promise<Done> {
    // Each to its end: a restore that comes next must not be overtaken by the one when the other has failed.
    const steps = await Promise.allSettled([this.removeFiles(before.spec.id, true, asked), this.releaseName(before.spec, asked)]);
    for (const step of steps) if (step.status === 'rejected') throw step.reason;
    if (volumes) await this.removeVolumes(before, true, asked);
    return { position: this.containers.position };
  }

  private async removeFiles(container: string, keep: boolean, asked: RequestContext): Promise<void> {
    await this.bus.request(RemoveContainerFiles, { container, ...(keep ? { keep } : {}) }, asked, AGAIN);
  }

  private async releaseName({ id, name }: ContainerSpec, asked: RequestContext): Promise<void> {
    await this.names.execute(name, { type: 'Release', name, container: id }, asked);
  }

  private async removeVolumes({ spec, unmounted = [] }: PresentContainer, keep: boolean, asked: RequestContext): Promise<void> {
    const anonymous = [...spec.mounts.flatMap(({ anonymous, name }) => (anonymous && name ? [name] : [])), ...unmounted];
    for (const name of anonymous) await this.bus.request(RemoveVolume, { name, force: true, removedWith: spec.id, ...(keep ? { keptFor: spec.id } : {}) }, asked, AGAIN).catch(() => undefined);
  }

  /** Of a container that is to be removed: a start under way is waited for, a run is killed. */
  private async endRun({ spec, run }: PresentContainer, asked: RequestContext): Promise<void> {
    const { id, name } = spec;
    const end = (): Promise<void> =>
      this.ends.endTask(id, run.start, asked).catch((error: unknown) => {
        throw unavailable(`cannot remove container "${name}": could not kill: ${errorMessage(error)}`, error);
      });
    await end();
    await this.starts.settled(id);
    // The executor may have been asked for it again behind that.
    const { over: isOver = true } = this.directory.get(id)?.run ?? {};
    if (!isOver && this.starts.hasStarted(id, run.start)) await end();
    // A start that was not heard of by anyone ends here; of any other the task's events tell.
    if (!this.directory.get(id)?.run.startedAt) await this.containers.execute(id, { type: 'RecordStartFailed', start: run.start, error: 'removed while it started', exitCode: 128, at: now() }, asked);
    if (!(await this.ends.hasEnded(id, run.start, KILL_DEADLINE_MS))) throw internal(`cannot remove container "${name}": could not kill: tried to kill container, but did not receive an exit event`);
  }
}

const now = (): string => new Date().toISOString();

import { availableParallelism, cpus } from 'node:os';
import type { ContainerMount, PublishedPort } from '#contracts/containers/container-state.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { ContainerEdited, EditContainer, RevertContainer } from '#contracts/containers/edit.js';
import { GetHostFacts } from '#contracts/executor/host.js';
import { ChangeTaskPorts, UpdateTask } from '#contracts/executor/tasks.js';
import { ChangeEndpointPorts } from '#contracts/networks/networks.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, cameToNothing, conflict, errorMessage, invalid } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import { checkChangedResources, checkEnvironment, checkMemoryNodes } from '../../domain/resources/check-resources.js';
import { isRunning, type PresentContainer } from '../../domain/container/container-state.js';
import { applyChanges, type EditableSpec } from '../../domain/edit/apply-changes.js';
import { changedLimitFields } from '../../domain/edit/edited-parts.js';
import { checkHostConfig, checkRestartPolicy, networkWithEndpoint } from '../../domain/launch-request.js';
import { changedLimits, checkLimitChanges } from '../../domain/resources/limit-changes.js';
import { mountRequests } from '../../domain/mounts/mount-requests.js';
import { startMounts } from '../../domain/mounts/start-mounts.js';
import { portRequests } from '../../domain/network/port-requests.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerStarts } from '../lifecycle/container-starts.js';
import type { ContainerTurns } from '../lifecycle/container-turns.js';
import { earlierOutcome } from '../lifecycle/earlier-outcome.js';
import type { Outcomes } from '../lifecycle/outcome-retries.js';
import { SpecAtVersion } from '../../domain/edit/spec-at-version.js';
import type { ContainerCreation } from './create-container.js';
import { holdVolume, withVolumesHeld } from './held-volumes.js';

/** All that is asked here is the same when given twice. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 5_000 };

/**
 * Edits of containers that are there. Of one that runs the intent is appended, then host ports and limits change, then that they have; what is refused on the way is taken back. Entered
 * again after a crash, it does all of it again, which is nothing where it was done.
 */
export class ContainerEdits {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly creation: Pick<ContainerCreation, 'prepareMounts'>,
    private readonly turns: ContainerTurns,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
  ) {}

  edit({ container, changes }: Pick<EditContainer, 'container' | 'changes'>, asked: RequestContext): Promise<ContainerEdited> {
    const { id } = this.directory.find(container).spec;
    return this.turns.take(id, async () => {
      const before = await this.doneBefore(id, asked);
      if (before !== undefined) return before;
      await this.starts.settled(id);
      const { spec } = this.directory.find(id);
      if (changes.limits?.BlkioWeight !== undefined) throw invalid('BlkioWeight cannot be edited: docker update changes it');
      checkRestartPolicy(changes.limits?.RestartPolicy);
      checkChangedResources(spec.hostConfig, changes.limits ?? {}, cpus().length || availableParallelism());
      if (changes.limits?.CpusetMems) checkMemoryNodes(changes.limits, (await this.bus.request(GetHostFacts, {}, asked)).memoryNodes);
      // Without a limit of swap there is none that the memory could pass: it is twice the memory, as at a creation.
      checkLimitChanges(id, { ...spec.hostConfig, MemorySwap: spec.hostConfig.MemorySwap || -1 }, changes.limits ?? {});
      const edited = applyChanges(spec, changes);
      checkEnvironment(edited.config);
      checkHostConfig(edited.hostConfig);
      portRequests(edited.config, edited.hostConfig);
      const undo: (() => Promise<unknown>)[] = [];
      try {
        const wanted = mountRequests({}, { Binds: changes.binds ?? [], Mounts: changes.mounts ?? [] });
        for (const { target } of wanted) if (edited.mounts.some((mount) => mount.target === target)) throw invalid(`Duplicate mount point: ${target}`);
        if (wanted.some((mount) => !('borrowed' in mount) && mount.type === 'volume' && mount.source === '')) throw invalid('an edit mounts volumes by name: give NAME:TARGET');
        const prepare = () => this.creation.prepareMounts(id, wanted, spec.layers, asked, undo, { wantedBy: id });
        return await withVolumesHeld(this.bus, id, wanted, asked, prepare, (added) =>
          this.carryOut(id, { ...edited, mounts: startMounts([...edited.mounts, ...added]) }, undefined, asked).catch((error: unknown) => {
            // It may come to be yet, and has its volumes then.
            if (!cameToNothing(error)) undo.length = 0;
            throw error;
          }),
        );
      } catch (error) {
        for (const step of undo.reverse()) await step().catch(() => undefined);
        throw error;
      }
    });
  }

  revert({ container, version: wanted }: Pick<RevertContainer, 'container' | 'version'>, asked: RequestContext): Promise<ContainerEdited> {
    const { id } = this.directory.find(container).spec;
    return this.turns.take(id, async () => {
      const before = await this.doneBefore(id, asked);
      if (before !== undefined) return before;
      await this.starts.settled(id);
      const { version = 1 } = this.directory.find(id);
      const to = wanted ?? version - 1;
      if (to < 1) throw conflict(`container ${container} was never edited: there is no version to go back to`);
      const sought = new SpecAtVersion(to);
      await this.containers.eachState(id, (state) => sought.see(state));
      const { config, hostConfig, path, args, mounts, restartWhenUnhealthy } = sought.spec;
      const spec = { config, hostConfig, path, args, mounts, ...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy }) };
      return withVolumesHeld(this.bus, id, mounts, asked, () => this.holdVolumes(id, mounts, asked), () => this.carryOut(id, spec, to, asked));
    });
  }

  /** The part behind the intent, where that is all that was done of it. */
  finish(id: string, asked: RequestContext): Promise<void> {
    return this.turns.take(id, () => this.apply(id, asked));
  }

  private async carryOut(id: string, spec: EditableSpec, revertedTo: number | undefined, asked: RequestContext): Promise<ContainerEdited> {
    const done = await this.containers.execute(id, { type: 'Edit', spec, ...(revertedTo === undefined ? {} : { revertedTo }), at: now() }, asked);
    if (!asked.dryRun && !done.repeated) await this.apply(id, asked);
    return done.repeated ? this.goOn(id, done, asked) : this.edited(id, done);
  }

  /** The same request once more. What it asked for may not be refused for being there: it is answered by what it did. */
  private async doneBefore(id: string, asked: RequestContext): Promise<ContainerEdited | undefined> {
    if (asked.idempotencyKey === undefined || asked.dryRun) return undefined;
    const done = await this.containers.doneBefore(id, 'Edit', asked.idempotencyKey);
    return done && this.goOn(id, done, asked);
  }

  private async goOn(id: string, done: Done, asked: RequestContext): Promise<ContainerEdited> {
    const isOver = done.events.every(({ type }) => type === 'ContainerEdited') || (await this.outcomeOf(id, done.position)) !== undefined;
    if (!isOver) await this.apply(id, asked);
    return this.edited(id, done);
  }

  private outcomeOf(id: string, position: number): Promise<ContainerEvent | undefined> {
    return earlierOutcome(this.containers, id, position, ['ContainerEdited', 'EditFailed']).catch((error: unknown) => {
      throw told(this.directory.find(id), error);
    });
  }

  private edited(id: string, { events: [event], position }: Done): ContainerEdited {
    if (event?.type !== 'EditRequested' && event?.type !== 'ContainerEdited') return { id, version: this.directory.find(id).version ?? 1, live: [], atNextStart: [], position };
    const wasRunning = isRunning(this.directory.find(id));
    const { version, parts, pending } = event;
    // What does not run has nothing of it yet, but for what is no matter of a run.
    const atNextStart = wasRunning ? pending : parts.filter((part) => part !== 'labels' && part !== 'restart-policy');
    return { id, version, live: parts.filter((part) => !atNextStart.includes(part)), atNextStart, position: event.type === 'EditRequested' ? this.containers.position : position };
  }

  private async apply(id: string, asked: RequestContext): Promise<void> {
    const container = this.directory.get(id);
    if (!container?.edit) return;
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    const { parts, hostConfig } = container.edit;
    let ports: readonly PublishedPort[] | undefined;
    try {
      if (parts.includes('ports')) ports = await this.changePorts(container, cause);
      const { changes } = changedLimitFields(container.spec.hostConfig, hostConfig);
      const resources = changedLimits(hostConfig, changes);
      if (resources !== undefined) await this.bus.request(UpdateTask, { container: id, start: container.run.start, resources }, cause, AGAIN);
    } catch (error) {
      if (ports !== undefined) await this.takeBack(container, cause).catch(() => undefined);
      await this.record(container, { type: 'RecordEditFailed', error: errorMessage(error) }, cause);
      throw told(container, error);
    }
    await this.record(container, { type: 'RecordEdited', ...(ports === undefined ? {} : { ports }) }, cause);
  }

  private async record({ spec: { id }, edit }: PresentContainer, outcome: { type: 'RecordEdited'; ports?: readonly PublishedPort[] } | { type: 'RecordEditFailed'; error: string }, cause: RequestContext): Promise<void> {
    const record = () => this.containers.execute(id, { ...outcome, at: now() }, cause);
    // Later, another may be under way.
    const again = () => this.turns.take(id, async () => this.directory.get(id)?.edit === edit && record());
    await this.outcomes.tell(id, record, cause, again);
  }

  private async takeBack(container: PresentContainer, asked: RequestContext): Promise<void> {
    const before = container.run.endpoint?.ports ?? [];
    await this.allocate(container, before, asked);
    await this.publish(container, before, asked);
  }

  /** Undefined where the run has ended meanwhile. */
  private async changePorts(container: PresentContainer, asked: RequestContext): Promise<readonly PublishedPort[] | undefined> {
    const { spec, edit, run } = container;
    if (!edit || !run.endpoint || run.over) return undefined;
    try {
      const ports = await this.allocate(container, portRequests({ ...spec.config, ...edit.config }, edit.hostConfig), asked);
      if (ports === undefined) return undefined;
      await this.publish(container, ports, asked);
      return ports;
    } catch (error) {
      // Also where it is not known whether they were allocated: what is wished last counts.
      await this.allocate(container, run.endpoint.ports, asked).catch(() => undefined);
      throw error;
    }
  }

  private async allocate({ spec, run }: PresentContainer, ports: ReturnType<typeof portRequests> | readonly PublishedPort[], asked: RequestContext): Promise<readonly PublishedPort[] | undefined> {
    const network = networkWithEndpoint(spec);
    if (network === undefined) return undefined;
    try {
      return (await this.bus.request(ChangeEndpointPorts, { network, endpoint: `${spec.id}-${run.start}`, ports }, asked, AGAIN)).ports;
    } catch (error) {
      // Released: the run is over.
      if (error instanceof BerthError && error.kind === 'not-found') return undefined;
      throw error;
    }
  }

  private async publish({ spec, run }: PresentContainer, ports: readonly PublishedPort[], asked: RequestContext): Promise<void> {
    await this.bus.request(ChangeTaskPorts, { container: spec.id, start: run.start, name: spec.name, address: run.endpoint?.address ?? '', ports }, asked, AGAIN);
  }

  private async holdVolumes(id: string, mounts: readonly ContainerMount[], asked: RequestContext): Promise<void> {
    for (const { name } of mounts) {
      if (name === undefined) continue;
      await holdVolume(this.bus, { name, container: id }, asked).catch((error: unknown) => {
        throw error instanceof BerthError && error.kind === 'not-found' ? conflict(`cannot revert: the volume ${name} of that version was removed: create it first (docker volume create ${name})`) : error;
      });
    }
  }
}

/** What an edit has decided. */
interface Done {
  readonly events: readonly ContainerEvent[];
  readonly position: number;
}

const told = ({ spec }: PresentContainer, error: unknown): unknown => (error instanceof BerthError ? new BerthError(error.kind, `cannot edit container "${spec.name}": ${error.message}`, { cause: error }) : error);

const now = (): string => new Date().toISOString();

import { availableParallelism, cpus } from 'node:os';
import type { UpdateContainer } from '#contracts/containers/commands.js';
import type { LimitChanges } from '#contracts/containers/container-config.js';
import { GetHostFacts } from '#contracts/executor/host.js';
import { UpdateTask } from '#contracts/executor/tasks.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, errorMessage } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { checkChangedResources, checkMemoryNodes, needsKernelFacts, withinKernel } from '../../domain/resources/check-resources.js';
import { checkRestartPolicy } from '../../domain/launch-request.js';
import { changedLimits, withChanges } from '../../domain/resources/limit-changes.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { ContainerStarts } from '../lifecycle/container-starts.js';
import type { ContainerTurns } from '../lifecycle/container-turns.js';
import { earlierOutcome } from '../lifecycle/earlier-outcome.js';
import type { Outcomes } from '../lifecycle/outcome-retries.js';

/** Writing the same limits twice is writing them once. */
const AGAIN = { timeoutMs: 60_000, askAgainMs: 5_000 };

/** Changes of limits and of the restart policy: the intent first, then the cgroup of what runs, then that they hold. One at a time for a container. */
export class ContainerUpdates {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly starts: Pick<ContainerStarts, 'settled'>,
    private readonly turns: ContainerTurns,
    private readonly outcomes: Pick<Outcomes, 'tell'>,
    private readonly bus: Bus,
  ) {}

  async update({ container, changes: wished }: UpdateContainer, asked: RequestContext): Promise<Done & { warnings: readonly string[] }> {
    const { id } = this.directory.find(container).spec;
    const { changes, warnings } = await this.withinKernel(wished, asked);
    return { ...(await this.updateBy(id, changes, asked)), warnings };
  }

  /** As dockerd does with what this kernel cannot weigh: without it, and with a warning. Memory that is not there is refused, also for a container that does not run: it would not start. */
  private async withinKernel(wished: LimitChanges, asked: RequestContext): Promise<{ readonly changes: LimitChanges; readonly warnings: readonly string[] }> {
    const { BlkioWeight, ...changes } = wished;
    const { CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0, CpusetMems = '' } = changes;
    const unsure = { ...(BlkioWeight ? { BlkioWeight } : {}), CpuRealtimePeriod, CpuRealtimeRuntime, CpusetMems };
    if (!needsKernelFacts(unsure)) return { changes, warnings: [] };
    const facts = await this.bus.request(GetHostFacts, {}, asked);
    checkMemoryNodes(unsure, facts.memoryNodes);
    const { host, warnings } = withinKernel(unsure, facts);
    return { changes: { ...changes, ...(host.BlkioWeight ? { BlkioWeight: host.BlkioWeight } : {}) }, warnings };
  }

  private updateBy(id: string, changes: LimitChanges, asked: RequestContext): Promise<Done> {
    return this.turns.take(id, async () => {
      checkRestartPolicy(changes.RestartPolicy);
      checkChangedResources(this.directory.find(id).spec.hostConfig, changes, cpus().length || availableParallelism());
      const { events, position, repeated } = await this.containers.execute(id, { type: 'Update', changes: { ...changes }, at: now() }, asked);
      if (asked.dryRun || !events.some(({ type }) => type === 'UpdateRequested')) return { position };
      if (repeated && (await this.outcomeOf(id, position))) return { position: this.containers.position };
      return this.apply(id, asked);
    });
  }

  private async outcomeOf(id: string, position: number): Promise<unknown> {
    return earlierOutcome(this.containers, id, position, ['ContainerUpdated', 'UpdateFailed']).catch((error: unknown) => {
      throw told(id, error);
    });
  }

  /** The part behind the intent, where that is all that was done of it. */
  finish(id: string, asked: RequestContext): Promise<Done> {
    return this.turns.take(id, () => this.apply(id, asked));
  }

  private async apply(id: string, asked: RequestContext): Promise<Done> {
    // A start under way may have taken its limits from before, and the executor not have heard of it.
    await this.starts.settled(id);
    const container = this.directory.get(id);
    if (!container?.update) return { position: this.containers.position };
    const resources = changedLimits(withChanges(container.spec.hostConfig, container.update), container.update) ?? {};
    // The request's key is the intent's.
    const { idempotencyKey: _key, ...cause } = asked;
    try {
      await this.bus.request(UpdateTask, { container: id, start: container.run.start, resources }, asked, AGAIN);
    } catch (error) {
      await this.record(container, { type: 'RecordUpdateFailed', error: errorMessage(error) }, cause);
      throw told(id, error);
    }
    return this.record(container, { type: 'RecordUpdated' }, cause);
  }

  private async record({ spec: { id }, update }: PresentContainer, outcome: { type: 'RecordUpdated' } | { type: 'RecordUpdateFailed'; error: string }, cause: RequestContext): Promise<Done> {
    const record = () => this.containers.execute(id, { ...outcome, at: now() }, cause);
    // Later, more may be wished than what this is about.
    const again = () => this.turns.take(id, async () => this.directory.get(id)?.update === update && record());
    const { position } = await this.outcomes.tell(id, record, cause, again);
    return { position };
  }
}

const told = (id: string, error: unknown): unknown => (error instanceof BerthError ? new BerthError(error.kind, `Cannot update container ${id}: ${error.message}`, { cause: error }) : error);

const now = (): string => new Date().toISOString();

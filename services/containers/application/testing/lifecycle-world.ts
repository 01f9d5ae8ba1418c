import type { ContainerEvent } from '#contracts/containers/events.js';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { HostConfig } from '#contracts/containers/container-config.js';
import type { TaskNetwork } from '#contracts/executor/tasks.js';
import type { Request, RequestClass, RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { noHead } from '#libs/event-store/event.js';
import { StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import type { Bus } from '#libs/messaging/bus.js';
import { containerDecider } from '../../domain/container/container-decider.js';
import type { WantedMount } from '../../domain/mounts/mount-requests.js';
import type { BorrowedMount } from '../../domain/mounts/volumes-from.js';
import { nameDecider } from '../../domain/name/name-decider.js';
import { ContainerCommits } from '../definition/container-commits.js';
import { ContainerDirectory, type Containers, type Names } from '../names/container-directory.js';
import { ContainerEdits } from '../definition/container-edits.js';
import { ContainerLifecycle } from '../lifecycle/container-lifecycle.js';
import { ContainerPauses } from '../lifecycle/container-pauses.js';
import { ContainerTurns } from '../lifecycle/container-turns.js';
import { ContainerUpdates } from '../definition/container-updates.js';
import { ContainerWatch } from '../lifecycle/container-watch.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { ProcessLists } from '../processes/process-lists.js';
import { ExitWaits } from '../lifecycle/exit-waits.js';
import type { NameClaims } from '../names/name-claims.js';
import { Outcomes } from '../lifecycle/outcome-retries.js';
import { ContainerStreams } from '../streams/container-streams.js';
import { PendingAttaches } from '../streams/pending-attaches.js';
import { RunEndpoints } from '../lifecycle/run-endpoints.js';

export const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'd' };
export const at = '2026-01-01T00:00:00.000000000Z';

/** What others were asked on the bus, as the last word of the subject, with the run or what else tells them apart. */
export interface Asked {
  readonly what: string;
  readonly start?: number;
  readonly signal?: number;
  readonly endpoint?: string;
  /** Whose network a launch is to have. */
  readonly lender?: string;
}

const created = (container: string, hostConfig: HostConfig): ContainerEvent => ({ type: 'ContainerCreated', container, name: container === 'c1' ? 'web' : container, config: {}, hostConfig: { NetworkMode: 'none', ...hostConfig }, imageId: '', imageRef: '', layers: [], path: 'sh', args: [], mounts: [], at });

/** As `prepareMounts` gives a bind. */
function mounted(mount: BorrowedMount | WantedMount): ContainerMount {
  if ('borrowed' in mount) return mount.borrowed;
  const { type, source, target, readOnly, propagation } = mount;
  return { type, source, target, readOnly, propagation, copyUp: false };
}

type Answer = (asked: Asked) => unknown;

/** The container c1 on a log that may stall, what starts and stops it, and what follows its events. Others answer on the bus as `answers` says, or with what is right. */
export class LifecycleWorld {
  readonly store = new StallingEventStore();
  readonly containers: Containers = new Aggregates(this.store, 'container', containerDecider, { source: 'containers', isGone: ({ status }) => status === 'absent' });
  readonly names: Names = new Aggregates(this.store, 'name', nameDecider, { source: 'containers' });
  readonly lifecycle: ContainerLifecycle;
  readonly pauses: ContainerPauses;
  readonly updates: ContainerUpdates;
  readonly processes: ProcessLists;
  readonly streams: ContainerStreams;
  readonly commits: ContainerCommits;
  readonly edits: ContainerEdits;
  readonly waits: ExitWaits;
  readonly asked: Asked[] = [];
  readonly answers = new Map<string, Answer>();
  /** What the watch has told operators. */
  readonly troubles: unknown[] = [];
  private readonly watch: ContainerWatch;
  private readonly outcomes = new Outcomes(() => undefined);

  constructor(engineStartedAt?: string) {
    const directory = new ContainerDirectory(this.containers, this.names, { listed: () => [] } as unknown as ExecRuns, '/');
    const bus = { request: (type: RequestClass<unknown, Request<unknown>>, data: object) => this.answer(type.subject, data) } as unknown as Bus;
    this.waits = new ExitWaits(directory);
    const endpoints = new RunEndpoints(directory, bus);
    this.pauses = new ContainerPauses(this.containers, directory, this.outcomes, bus, (id) => this.lifecycle.starts.settled(id));
    const attaches = new PendingAttaches();
    const links = { moved: () => Promise.resolve() };
    this.lifecycle = new ContainerLifecycle(this.containers, this.names, directory, this.pauses, this.waits, attaches, endpoints, links, this.outcomes, bus, { secondsFor: () => undefined }, false);
    this.streams = new ContainerStreams(this.containers, directory, attaches, this.lifecycle.starts, bus, '/run');
    this.processes = new ProcessLists(this.containers, directory, this.lifecycle.starts, bus);
    const turns = new ContainerTurns();
    this.updates = new ContainerUpdates(this.containers, directory, this.lifecycle.starts, turns, this.outcomes, bus);
    this.edits = new ContainerEdits(this.containers, directory, this.lifecycle.starts, { prepareMounts: (_id, wanted) => Promise.resolve(wanted.map(mounted)) }, turns, this.outcomes, bus);
    this.commits = new ContainerCommits(this.containers, directory, this.pauses, this.outcomes, bus);
    const none = { settle: () => Promise.resolve() } as unknown as NameClaims; // asked for nothing else of what is tried
    this.answers.set('list', () => ({ networks: [] }));
    this.watch = new ContainerWatch(this.containers, directory, none, endpoints, this.lifecycle, this.pauses, this.updates, this.commits, this.edits, this.waits, () => undefined, (error) => this.troubles.push(error), engineStartedAt);
  }

  /** A container beside c1. */
  async beside(id: string, hostConfig: HostConfig, ...history: readonly ContainerEvent[]): Promise<void> {
    const { position } = await this.store.append(`berth.event.container.${id}`, noHead, [created(id, hostConfig), ...history], asked);
    await this.containers.waitFor(position);
  }

  static async with(hostConfig: HostConfig, ...history: readonly ContainerEvent[]): Promise<LifecycleWorld> {
    return LifecycleWorld.startedAt(undefined, hostConfig, ...history);
  }

  /** Of an engine that began at this time. */
  static async startedAt(engineStartedAt: string | undefined, hostConfig: HostConfig, ...history: readonly ContainerEvent[]): Promise<LifecycleWorld> {
    const world = new LifecycleWorld(engineStartedAt);
    await world.store.append('berth.event.container.c1', noHead, [created('c1', hostConfig), ...history], asked);
    await Promise.all([world.containers.start(), world.names.start()]);
    world.watch.start();
    return world;
  }

  async close(): Promise<void> {
    this.watch.stop();
    this.outcomes.stop();
    await Promise.all([this.containers.stop(), this.names.stop()]);
  }

  /** Without a command that yields it. */
  async happen(event: ContainerEvent): Promise<void> {
    const newest = (await this.store.read('berth.event.container.c1')).at(-1);
    const { position } = await this.store.append('berth.event.container.c1', newest === undefined ? noHead : { sequence: newest.position, hash: newest.hash }, [event], asked);
    await this.containers.waitFor(position);
  }

  /** As an engine does that starts. */
  resume(): Promise<void> {
    return this.watch.resume();
  }

  /** What the container is, as clients would see it. */
  get status(): string {
    return this.containers.get('c1').state.status;
  }

  /** The types of what happened to it. */
  async history(): Promise<string[]> {
    return (await this.containers.history('c1')).map(({ type }) => type);
  }

  exited(start: number, exitCode = 0): Promise<unknown> {
    return this.containers.execute('c1', { type: 'RecordExited', start, exitCode, signal: 0, oomKilled: false, keeperLost: false, at }, asked);
  }

  count(what: string): number {
    return this.asked.filter((one) => one.what === what).length;
  }

  private async answer(subject: string, data: object): Promise<unknown> {
    const { start, signal, endpoint, network } = data as Partial<Asked> & { readonly network?: string | TaskNetwork }; // what some requests have of it
    const lender = typeof network === 'object' && network.mode === 'container' ? { lender: network.container } : {};
    const one: Asked = { what: subject.split('.').at(-1) ?? '', ...(start === undefined ? {} : { start }), ...(signal === undefined ? {} : { signal }), ...(typeof endpoint === 'string' ? { endpoint } : {}), ...lender };
    this.asked.push(one);
    const answer = this.answers.get(one.what);
    if (answer !== undefined) return answer(one);
    return one.what === 'launch-task' ? { position: 0, pid: 7, startedAt: at } : { position: 0 };
  }
}

import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { stateFolder } from '#libs/settings/services.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import { logger } from '#libs/telemetry/logger.js';
import { ContainerCommits } from './application/definition/container-commits.js';
import { ContainerDirectory, type Containers, type Execs, type Names } from './application/names/container-directory.js';
import { ContainerEdits } from './application/definition/container-edits.js';
import { ContainerLinks } from './application/names/container-links.js';
import { ContainerLifecycle } from './application/lifecycle/container-lifecycle.js';
import { ContainerPauses } from './application/lifecycle/container-pauses.js';
import { ContainerProtection } from './application/definition/container-protection.js';
import { ContainerRenames } from './application/names/container-renames.js';
import { ContainerStreams } from './application/streams/container-streams.js';
import { ContainerTurns } from './application/lifecycle/container-turns.js';
import { ContainerUpdates } from './application/definition/container-updates.js';
import { ContainerWatch } from './application/lifecycle/container-watch.js';
import { ContainerArchives } from './application/streams/container-archives.js';
import { ContainerCreation } from './application/definition/create-container.js';
import { ExecRuns } from './application/processes/exec-runs.js';
import { ExecSessions } from './application/processes/exec-sessions.js';
import { ExitWaits } from './application/lifecycle/exit-waits.js';
import { CheckExecs } from './application/health/check-execs.js';
import { HealthProbes } from './application/health/health-probes.js';
import { HealthWatch } from './application/health/health-watch.js';
import { KeptContainers } from './application/undo/kept-containers.js';
import { KeptExpiry } from './application/undo/kept-expiry.js';
import { LifecycleSource } from './application/lifecycle/lifecycle-source.js';
import { NameClaims } from './application/names/name-claims.js';
import { Outcomes } from './application/lifecycle/outcome-retries.js';
import { PendingAttaches } from './application/streams/pending-attaches.js';
import { ProcessLists } from './application/processes/process-lists.js';
import { RunEndpoints } from './application/lifecycle/run-endpoints.js';
import { StartPhases } from './application/lifecycle/start-phases.js';
import { TaskWatch } from './application/lifecycle/task-watch.js';
import { UndoGrace } from './application/undo/undo-grace.js';
import { isDiskShort } from './adapters/disk-room.js';
import { CONTAINER_FOLD, containerDecider } from './domain/container/container-decider.js';
import { isPresent } from './domain/container/container-state.js';
import { EXEC_FOLD, execDecider } from './domain/exec/exec-decider.js';
import { NAME_FOLD, nameDecider } from './domain/name/name-decider.js';

/** Compose and scripts give the same names again and again. */
const NAMES_THAT_MAY_RETURN = 1_024;

/** Everything the service consists of, wired by hand: plain classes that list what they use. */
export class ContainersParts {
  readonly containers: Containers;
  readonly names: Names;
  readonly execs: Execs;
  readonly execRuns: ExecRuns;
  readonly attaches = new PendingAttaches();
  readonly directory: ContainerDirectory;
  readonly waits: ExitWaits;
  readonly outcomes: Outcomes;
  readonly pauses: ContainerPauses;
  readonly updates: ContainerUpdates;
  readonly commits: ContainerCommits;
  readonly protection: ContainerProtection;
  readonly claims: NameClaims;
  readonly renames: ContainerRenames;
  readonly lifecycle: ContainerLifecycle;
  readonly edits: ContainerEdits;
  readonly kept: KeptContainers;
  readonly keptExpiry: KeptExpiry;
  readonly creation: ContainerCreation;
  readonly streams: ContainerStreams;
  readonly processes: ProcessLists;
  readonly links: ContainerLinks;
  readonly archives: ContainerArchives;
  readonly execSessions: ExecSessions;
  readonly containerWatch: ContainerWatch;
  readonly taskWatch: TaskWatch;
  readonly probes: HealthProbes;
  readonly healthWatch: HealthWatch;
  readonly phases = new StartPhases();
  readonly metrics: LifecycleSource;
  private readonly snapshots: SnapshotSchedule;

  constructor({ store, bus, settings }: ServiceDependencies<EngineSettings>) {
    const folder = stateFolder(settings, 'containers');
    const options = (kind: string, fold: string) => ({ source: 'containers', snapshot: { path: `${folder}/${kind}.snapshot`, fold } });
    const log = logger('containers');
    const onError = (error: unknown, about: LogFields): void => log.error('what had to follow an event failed', { ...about, error });
    this.containers = new Aggregates(store, 'container', this.phases.timed(containerDecider), { ...options('container', CONTAINER_FOLD), isGone: (state) => state.status === 'absent' });
    this.names = new Aggregates(store, 'name', nameDecider, { ...options('name', NAME_FOLD), isGone: ({ holder }) => holder === '', mayReturn: NAMES_THAT_MAY_RETURN });
    const isThere = (container: string): boolean => isPresent(this.containers.get(container).state);
    this.execs = new Aggregates(store, 'exec', execDecider, { ...options('exec', EXEC_FOLD), isGone: (exec) => exec.status === 'absent' || !isThere(exec.container) });
    this.execRuns = new ExecRuns(isThere, (exec) => this.execs.forget(exec));
    this.directory = new ContainerDirectory(this.containers, this.names, this.execRuns, settings.dataRoot);
    this.waits = new ExitWaits(this.directory);
    this.outcomes = new Outcomes(onError);
    this.pauses = new ContainerPauses(this.containers, this.directory, this.outcomes, bus, (id) => this.lifecycle.starts.settled(id));
    const turns = new ContainerTurns();
    this.commits = new ContainerCommits(this.containers, this.directory, this.pauses, this.outcomes, bus);
    const runEndpoints = new RunEndpoints(this.directory, bus);
    const isRemapped = settings.usernsRemap !== undefined;
    const grace = new UndoGrace(settings.undoSeconds, () => isDiskShort(settings.dataRoot));
    this.protection = new ContainerProtection(this.containers, this.directory);
    this.links = new ContainerLinks(this.containers, this.directory, bus);
    this.lifecycle = new ContainerLifecycle(this.containers, this.names, this.directory, this.pauses, this.waits, this.attaches, runEndpoints, this.links, this.outcomes, bus, grace, isRemapped);
    this.claims = new NameClaims(this.names, this.containers, this.directory, onError);
    this.renames = new ContainerRenames(this.containers, this.names, this.directory, this.claims);
    this.kept = new KeptContainers(this.containers, this.names, this.claims, this.directory, this.lifecycle.removals, bus, settings.dataRoot);
    this.keptExpiry = new KeptExpiry(this.containers, this.kept, grace, bus, onError);
    this.creation = new ContainerCreation(this.containers, this.claims, this.directory, bus, isRemapped, this.phases);
    this.updates = new ContainerUpdates(this.containers, this.directory, this.lifecycle.starts, turns, this.outcomes, bus);
    this.edits = new ContainerEdits(this.containers, this.directory, this.lifecycle.starts, this.creation, turns, this.outcomes, bus);
    this.streams = new ContainerStreams(this.containers, this.directory, this.attaches, this.lifecycle.starts, bus, settings.runRoot);
    this.archives = new ContainerArchives(this.containers, this.directory, bus);
    this.processes = new ProcessLists(this.containers, this.directory, this.lifecycle.starts, bus);
    this.execSessions = new ExecSessions(this.execs, this.execRuns, this.directory, this.lifecycle.starts, bus, settings.runRoot);
    this.containerWatch = new ContainerWatch(this.containers, this.directory, this.claims, runEndpoints, this.lifecycle, this.pauses, this.updates, this.commits, this.edits, this.waits, (container) => this.forget(container), onError, settings.engineStartedAt);
    this.taskWatch = new TaskWatch(store, this.containers, this.lifecycle, this.execRuns, `${folder}/task-watch.snapshot`, onError);
    this.probes = new HealthProbes(new CheckExecs(this.execSessions, this.execRuns, this.directory, bus, settings.runRoot));
    this.healthWatch = new HealthWatch(this.containers, this.directory, this.probes, onError);
    this.metrics = new LifecycleSource(store, `${folder}/lifecycle-metrics.snapshot`, this.phases);
    this.snapshots = new SnapshotSchedule([this.containers, this.names, this.execs, this.taskWatch, this.metrics.snapshotted], (error) => log.error('a snapshot could not be saved', { error }));
  }

  private forget(container: string): void {
    this.attaches.removed(container);
    this.execSessions.forget(container);
  }

  /** Folds first, then what tasks did meanwhile, then what is left half done. */
  async start(): Promise<void> {
    await Promise.all([this.containers.start(), this.names.start()]);
    await this.execs.start(); // of containers that are gone it keeps nothing
    this.claims.start();
    this.containerWatch.start();
    await this.taskWatch.start();
    this.execSessions.listenForCreated();
    await this.containerWatch.resume();
    this.keptExpiry.start();
    this.healthWatch.start();
    this.snapshots.start();
  }

  async stop(): Promise<void> {
    this.outcomes.stop();
    this.claims.stop();
    this.containerWatch.stop();
    this.keptExpiry.stop();
    this.healthWatch.stop();
    await this.snapshots.stop();
    await Promise.all([this.metrics.stop(), this.taskWatch.stop(), this.containers.stop(), this.names.stop(), this.execs.stop()]);
  }
}

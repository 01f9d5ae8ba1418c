import { ListContainers } from '#contracts/containers/queries.js';
import { GetHostFacts, type HostFacts } from '#contracts/executor/host.js';
import { ListImages } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import type { FoldedLog } from '#libs/event-store/fold.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { logger } from '#libs/telemetry/logger.js';
import { type Exposition, labelText } from '#libs/telemetry/metrics/exposition.js';
import { LogFold } from '#libs/telemetry/metrics/log-fold.js';
import type { LoggedEvent } from '../domain/docker/events.js';
import { EngineTotals, type FrozenTotals, TOTALS_FOLD } from '../domain/engine-totals.js';
import { BERTH_VERSION } from '#libs/settings/version.js';
import { layerBytes } from './disk-usage.js';
import type { EngineClient } from './engine-client.js';
import { EVENT_SUBJECTS, type EventFeed } from './event-feed.js';

const SCRAPE: RequestContext = { actor: 'service:gateway', correlationId: 'scrape', causationId: 'scrape' };
const ANSWER_TIMEOUT_MS = 1000;
/** dockerd's reasons (moby, builder/dockerfile/metrics.go). */
const BUILD_FAILURES = ['build_canceled', 'build_target_not_reachable_error', 'command_not_supported_error', 'dockerfile_empty_error', 'dockerfile_syntax_error', 'error_processing_commands_error', 'missing_onbuild_arguments_error', 'unknown_instruction_error'];

interface ImageUse {
  readonly reclaimableBytes: number;
  /** By name. Of an image that is gone nobody knows. */
  readonly ofContainers: readonly (readonly [name: string, bytes: number])[];
}

/** The part of /metrics that dockerd has: engine_daemon_* and builder_*, names and types to the letter; and what its images could give back. */
export class EngineSource {
  private readonly totals: LogFold<EngineTotals>;
  private readonly snapshots: SnapshotSchedule;
  private facts: HostFacts | undefined;
  /** Found out when that many events had been. */
  private images: { readonly events: number; readonly use: ImageUse } | undefined;

  constructor(
    store: FoldedLog,
    private readonly client: EngineClient,
    private readonly feed: EventFeed,
    snapshotPath: string,
  ) {
    this.totals = new LogFold(store, {
      filters: EVENT_SUBJECTS,
      initial: () => new EngineTotals(),
      // Subjects have one writer each, which validated what it wrote.
      evolve: (totals, commit) => totals.evolve(commit.events as readonly unknown[] as readonly LoggedEvent[]),
      snapshot: { path: snapshotPath, fold: TOTALS_FOLD, freeze: (totals) => totals.freeze(), thaw: (frozen) => EngineTotals.from(frozen as FrozenTotals) }, // what `freeze` gave
    });
    this.snapshots = new SnapshotSchedule([this.totals], (error) => logger('gateway').error('a snapshot could not be saved', { error }));
    this.snapshots.start();
  }

  async write(out: Exposition): Promise<void> {
    const totals = await this.totals.read();
    out.family('engine_daemon_container_states_containers', 'gauge', 'The count of containers in various states');
    for (const state of ['paused', 'running', 'stopped'] as const) out.sample(labelText({ state }), totals.containers(state));
    out.family('engine_daemon_events_total', 'counter', 'The number of events logged').sample('', totals.events);
    out.family('engine_daemon_events_subscribers_total', 'gauge', 'The number of current subscribers to events').sample('', this.feed.subscribers);
    await this.writeHost(out);
    await this.writeImages(totals.events, out);
    this.client.metrics.write(out);
    // There is no builder yet, so that none of its builds began: dashboards that ask for the rate get their zero.
    out.family('builder_builds_triggered_total', 'counter', 'Number of triggered image builds').sample('', 0);
    out.family('builder_builds_failed_total', 'counter', 'Number of failed image builds');
    for (const reason of BUILD_FAILURES) out.sample(labelText({ reason }), 0);
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await this.totals.stop();
  }

  /** It changes with events alone. Of services that are away it cannot be known. */
  private async writeImages(events: number, out: Exposition): Promise<void> {
    if (this.images?.events !== events) this.images = await this.findImageUse().then((use) => ({ events, use }), () => undefined);
    if (this.images === undefined) return;
    const { reclaimableBytes, ofContainers } = this.images.use;
    out.family('berth_image_reclaimable_bytes', 'gauge', 'What a removal of all images that no container has would free.').sample('', reclaimableBytes);
    out.family('berth_container_image_bytes', 'gauge', "Bytes in the layers of a container's image, which others may have, too.");
    for (const [name, bytes] of ofContainers) out.sample(labelText({ name }), bytes);
  }

  private async findImageUse(): Promise<ImageUse> {
    const [{ containers }, { images }] = await Promise.all([this.client.ask(ListContainers, { all: true }, SCRAPE, ANSWER_TIMEOUT_MS), this.client.ask(ListImages, {}, SCRAPE, ANSWER_TIMEOUT_MS)]);
    const used = new Set(containers.map(({ imageId }) => imageId));
    const sizes = new Map(images.map(({ id, sizeBytes }) => [id, sizeBytes]));
    return {
      reclaimableBytes: layerBytes(images.filter(({ id }) => !used.has(id)), images.filter(({ id }) => used.has(id))),
      ofContainers: containers.flatMap(({ name, imageId }) => (sizes.has(imageId) ? [[name, sizes.get(imageId) ?? 0] as const] : [])),
    };
  }

  /** What a machine is does not change while the engine runs. An executor that is away must not take the other series with it. */
  private async writeHost(out: Exposition): Promise<void> {
    const facts = (this.facts ??= await this.client.ask(GetHostFacts, {}, SCRAPE, ANSWER_TIMEOUT_MS).catch(() => undefined));
    if (facts === undefined) return;
    const info = {
      architecture: facts.architecture,
      commit: '',
      daemon_id: '',
      graphdriver: facts.storageDriver,
      kernel: facts.kernelVersion,
      os: facts.operatingSystem,
      os_type: 'linux',
      os_version: facts.osVersion,
      version: BERTH_VERSION,
    };
    out.family('engine_daemon_engine_info', 'gauge', 'The information related to the engine and the OS it is running on').sample(labelText(info), 1);
    out.family('engine_daemon_engine_cpus_cpus', 'gauge', 'The number of cpus that the host system of the engine has').sample('', facts.cpus);
    out.family('engine_daemon_engine_memory_bytes', 'gauge', 'The number of bytes of memory that the host system of the engine has').sample('', facts.memoryBytes);
  }
}

import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { ContainerEvent } from '#contracts/containers/events.js';
import { cgroupParentOf } from '#libs/cgroup/asked-parent.js';
import { cpuBandwidth } from '#libs/cgroup/limits.js';
import { labelText } from '#libs/telemetry/metrics/exposition.js';
import { hostLinkName } from '../host-link-name.js';

/** What the log says of a container that its cgroup does not. Times in seconds since 1970. */
export interface ContainerFacts {
  readonly id: string;
  /** "/docker/<id>" */
  readonly cgroup: string;
  readonly image: string;
  /** Those of its labels that are shown. */
  shownLabels: Readonly<Record<string, string>>;
  name: string;
  /** Base labels of all its series, as text. */
  labels: string;
  readonly createdAt: number;
  hostConfig: HostConfig;
  limits: SpecLimits;
  running: boolean;
  readonly healthcheck: boolean;
  /** Undefined: it has no health check, or none has ended in this run. */
  healthy: boolean | undefined;
  /** Its sockets are in a network namespace of its own. */
  readonly ownNetwork: boolean;
  /** 0: it never ran. */
  startedAt: number;
  /** Of the last run that ended; 0: none has. */
  exitedAt: number;
  /** Outer end of its veth pair while it runs; '': it has none of its own. */
  link: string;
}

/** As cAdvisor tells limits: bytes, 0 for none; microseconds. */
export interface SpecLimits {
  readonly cpuShares: number;
  readonly cpuPeriod: number;
  /** Undefined: none. */
  readonly cpuQuota: number | undefined;
  readonly memoryReservationBytes: number;
  readonly memorySwapBytes: number;
}

/** What is kept of them, as JSON: what is undefined has no field. */
export type FrozenFacts = readonly (Omit<ContainerFacts, 'healthy' | 'limits'> & { readonly healthy?: boolean; readonly limits: Omit<SpecLimits, 'cpuQuota'> & { readonly cpuQuota?: number } })[];

/** Version of what is kept, and of what is made of events: change it with either. */
const FACTS_FOLD = '2';

/** Containers that are there, by id: a fold of containers' events. */
export class ContainerFold {
  readonly containers = new Map<string, ContainerFacts>();

  /** `cgroupParent`: "/docker". `labels`: names of the containers' labels that are shown. */
  constructor(
    private readonly cgroupParent: string,
    private readonly labels: readonly string[],
  ) {}

  /** Which snapshots are one's own: what is made of events depends on settings, too. */
  static version(cgroupParent: string, labels: readonly string[]): string {
    return JSON.stringify([FACTS_FOLD, cgroupParent, labels]);
  }

  freeze(): readonly ContainerFacts[] {
    return [...this.containers.values()];
  }

  thaw(frozen: FrozenFacts): this {
    for (const { limits, healthy, ...facts } of frozen) this.containers.set(facts.id, { ...facts, healthy, limits: { ...limits, cpuQuota: limits.cpuQuota } });
    return this;
  }

  evolve(event: ContainerEvent): void {
    if (event.type === 'ContainerCreated' || event.type === 'ContainerRestored') {
      this.containers.set(event.container, this.created(event));
      return;
    }
    const facts = this.containers.get(event.container);
    if (facts === undefined) return;
    switch (event.type) {
      case 'ContainerStarted':
        facts.running = true;
        facts.healthy = undefined;
        facts.startedAt = Date.parse(event.at) / 1000;
        facts.link = event.endpoint === undefined ? '' : hostLinkName(event.endpoint.endpointId);
        return;
      case 'ContainerExited':
        facts.running = false;
        facts.exitedAt = Date.parse(event.at) / 1000;
        facts.link = '';
        return;
      case 'HealthProbed':
        facts.healthy = event.status === 'healthy';
        return;
      case 'ContainerRenamed':
        facts.name = event.name;
        facts.labels = baseLabels(facts);
        return;
      case 'ContainerEdited':
        facts.shownLabels = this.shownOf(event.config);
        facts.labels = baseLabels(facts);
        facts.hostConfig = event.hostConfig;
        facts.limits = specLimits(event.hostConfig);
        return;
      case 'ContainerUpdated':
        facts.hostConfig = { ...facts.hostConfig, ...event.changes };
        facts.limits = specLimits(facts.hostConfig);
        return;
      case 'ContainerRemoved':
        this.containers.delete(event.container);
    }
  }

  private created(event: Extract<ContainerEvent, { type: 'ContainerCreated' | 'ContainerRestored' }>): ContainerFacts {
    const { container: id, name, config, hostConfig } = event;
    const image = config.Image ?? event.imageRef;
    const shownLabels = this.shownOf(config);
    const cgroup = `${cgroupParentOf(hostConfig.CgroupParent) ?? this.cgroupParent}/${id}`;
    return {
      id,
      cgroup,
      image,
      shownLabels,
      name,
      labels: baseLabels({ cgroup, name, image, shownLabels }),
      createdAt: Date.parse(event.type === 'ContainerRestored' ? event.createdAt : event.at) / 1000,
      hostConfig,
      limits: specLimits(hostConfig),
      running: false,
      healthcheck: (config.Healthcheck?.Test?.[0] ?? 'NONE') !== 'NONE',
      healthy: undefined,
      ownNetwork: hostConfig.NetworkMode !== 'host' && !hostConfig.NetworkMode?.startsWith('container:'),
      startedAt: 0,
      exitedAt: 0,
      link: '',
    };
  }

  private shownOf({ Labels }: ContainerConfig): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.labels.flatMap((name) => {
        const value = Labels?.[name];
        return value === undefined ? [] : [[`container_label_${name.replace(/[^a-zA-Z0-9_]/g, '_')}`, value]];
      }),
    );
  }
}

/** `container` is what rules for Kubernetes group by: the same name twice, or they never fire. */
function baseLabels({ cgroup, name, image, shownLabels }: Pick<ContainerFacts, 'cgroup' | 'name' | 'image' | 'shownLabels'>): string {
  return labelText({ id: cgroup, name, image, container: name, ...shownLabels });
}

function specLimits({ CpuShares, CpuPeriod, CpuQuota, NanoCpus, Memory, MemoryReservation, MemorySwap }: HostConfig): SpecLimits {
  const cpuPeriod = CpuPeriod || 100_000;
  return {
    cpuShares: CpuShares || 1024,
    cpuPeriod,
    cpuQuota: cpuBandwidth({ nanoCpus: NanoCpus ?? 0, cpuQuota: CpuQuota ?? 0 }).quota,
    memoryReservationBytes: MemoryReservation || 0,
    // Without a word about swap there may be as much of it as of memory.
    memorySwapBytes: !Memory ? 0 : MemorySwap === -1 ? 0 : MemorySwap || Memory * 2,
  };
}

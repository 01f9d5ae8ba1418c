import { availableParallelism, cpus } from 'node:os';
import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import type { ContainerCreated, CreateContainer } from '#contracts/containers/commands.js';
import { CheckBindSources, FillVolume, GetHostFacts } from '#contracts/executor/host.js';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import { GetImage, HoldImage, ReleaseImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { CreateVolume, RemoveVolume } from '#contracts/volumes/volumes.js';
import { BerthError, cameToNothing, invalid } from '#libs/errors/errors.js';
import { checkStopSignal } from '#libs/linux/signals.js';
import type { Bus } from '#libs/messaging/bus.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { checkEnvironment, checkMemoryNodes, checkResources, createWarnings, needsKernelFacts, withinKernel, withResourceDefaults } from '../../domain/resources/check-resources.js';
import { checkCgroupParent } from '../../domain/resources/cgroup-parent.js';
import { checkHealthcheck, unhealthyRestartsOf } from '../../domain/health/health.js';
import { checkContainerName } from '../../domain/name/container-name.js';
import { commandLine, labelsOfImage, withImageDefaults } from '../../domain/image-defaults.js';
import { checkPlatform, platformWarnings } from '../../domain/image-platform.js';
import { withJoinedIds } from '../../domain/namespaces/joined-containers.js';
import { checkHostConfig } from '../../domain/launch-request.js';
import { linksToKeep } from '../../domain/network/links.js';
import { checkSharedNetwork, sharedNetwork } from '../../domain/network/shared-network.js';
import { mountRequests, type WantedMount } from '../../domain/mounts/mount-requests.js';
import { checkNetworkOptions, linkLocalOf, macOf } from '../../domain/network/network-options.js';
import { portRequests } from '../../domain/network/port-requests.js';
import { runtimeName } from '../../domain/runtime-name.js';
import { userNamespaceMode, userNamespaceOf } from '../../domain/namespaces/user-namespace.js';
import { volumesFrom } from '../../domain/mounts/volumes-from.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import type { StartPhases } from '../lifecycle/start-phases.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';
import type { NameClaims } from '../names/name-claims.js';
import { holdVolume } from './held-volumes.js';

/** Of the machine; the kernel is asked once, since it takes a quarter of a millisecond. */
const CPUS = cpus().length || availableParallelism();
/** Gigabytes take long; an executor that died over them knows no more of it, and one that is at it makes who asks again wait. */
const FILL = { timeoutMs: 30 * 60_000, askAgainMs: 5_000 };

type Find = (reference: string) => PresentContainer | undefined;

/** A service that ends before it answers holds nothing. */
const HOLD = { askAgainMs: Infinity };

/** Checks the wish against the image, makes its volumes, claims a name, and records the container. What fails on the way is given back. */
export class ContainerCreation {
  constructor(
    private readonly containers: Containers,
    private readonly claims: NameClaims,
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
    /** Whether containers have other ids than the host's. */
    private readonly isRemapped: boolean,
    private readonly phases: Pick<StartPhases, 'time'>,
  ) {}

  async create(command: CreateContainer, asked: RequestContext): Promise<ContainerCreated> {
    const id = keyedId('container', asked.idempotencyKey);
    try {
      return await this.createAs(id, command, asked);
    } finally {
      // Nobody waits for it: whoever hears of this creation and removes the image asks after this was asked.
      if (!asked.dryRun) void this.bus.request(ReleaseImage, { container: id }, asked).catch(() => undefined);
    }
  }

  private async createAs(id: string, command: CreateContainer, asked: RequestContext): Promise<ContainerCreated> {
    const { name } = command;
    let hostConfig = withResourceDefaults(command.hostConfig);
    const warnings: string[] = [];
    if (name !== undefined && name !== '') checkContainerName(name);
    const imageRef = command.config.Image ?? '';
    if (imageRef === '') throw invalid('no image specified');
    checkHostConfig(hostConfig);
    const usernsMode = userNamespaceMode(hostConfig, command.config.Labels);
    if (usernsMode !== '') hostConfig = { ...hostConfig, UsernsMode: usernsMode };
    userNamespaceOf(hostConfig, this.isRemapped);
    checkSharedNetwork(command.config, hostConfig);
    checkResources(hostConfig, CPUS);
    checkEnvironment(command.config);
    if (command.config.StopSignal) checkStopSignal(command.config.StopSignal);
    checkNetworkOptions(command);
    checkHealthcheck(command.config.Healthcheck);
    const restartWhenUnhealthy = unhealthyRestartsOf(command.config.Labels);
    // Made by this very request before, and perhaps removed since.
    if (asked.idempotencyKey !== undefined && (await this.containers.wasDone(id, 'Create', asked.idempotencyKey))) return { id, warnings: [], position: this.containers.position };
    await this.checkRuntime(hostConfig.Runtime, asked);
    if (needsKernelFacts(hostConfig)) {
      const facts = await this.bus.request(GetHostFacts, {}, asked);
      checkMemoryNodes(hostConfig, facts.memoryNodes);
      const within = withinKernel(hostConfig, facts);
      hostConfig = within.host;
      warnings.push(...within.warnings);
    }
    const find = this.finder(command);
    const image = await this.phases.time('image', asked, () => (asked.dryRun ? this.bus.request(GetImage, { image: imageRef }, asked) : this.bus.request(HoldImage, { image: imageRef, container: id }, asked, HOLD)));
    checkPlatform(command.platform, image, imageRef);
    warnings.push(...platformWarnings(command.platform, image));
    const config = withImageDefaults({ ...(await this.withHostname(command.config, hostConfig, find, asked)), ...macOf(command) }, image, id);
    const [path, ...args] = commandLine(config);
    const wanted = mountRequests(config, hostConfig, volumesFrom(hostConfig.VolumesFrom, (name) => find(name)?.spec.mounts));
    portRequests(config, hostConfig);
    const lender = sharing(hostConfig, find);
    if (lender !== undefined) hostConfig.NetworkMode = `container:${lender.spec.id}`;
    hostConfig = withJoinedIds(hostConfig, find);
    checkCgroupParent(hostConfig.CgroupParent, (part) => this.directory.get(part) !== undefined);
    const links = linksToKeep(hostConfig, find);
    if (links.length > 0) hostConfig.Links = links;

    const undo: (() => Promise<unknown>)[] = [];
    try {
      const record = async (named: string, mounts: readonly ContainerMount[]): Promise<ContainerCreated> => {
        const at = new Date().toISOString();
        const spec = { id, name: named, createdAt: at, config, hostConfig, imageId: image.id, imageRef, layers: image.layers, path, args, mounts, ...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy }), ...linkLocalOf(command), ...(command.askedNetworkMode === undefined ? {} : { askedNetworkMode: command.askedNetworkMode }), ...labelsOfImage(command.config, image) };
        const { position, repeated } = await this.containers.execute(id, { type: 'Create', spec, at }, asked);
        if (repeated) await this.claims.giveBack(named, id, asked); // it may have gone again since
        return { id, warnings: [...warnings, ...createWarnings(config, hostConfig)], position };
      };
      // Volumes wait for the name: they are not made for somebody who does not get it.
      const free = wanted.length === 0 ? this.claims.free(name, asked) : undefined;
      if (free !== undefined) return await this.claims.inTurn(id, () => this.claims.beside(free, id, asked, () => record(free, [])));
      return await this.claims.inTurn(id, async () => {
        const claimed = await this.claims.claim(name, id, asked);
        try {
          const mounts = await this.prepareMounts(id, wanted, image.layers, asked, undo, { heldFor: id });
          return await record(claimed, mounts).catch((error: unknown) => {
            // It may come to be yet, and has its volumes then.
            if (!cameToNothing(error)) undo.length = 0;
            throw error;
          });
        } catch (error) {
          await this.claims.giveBack(claimed, id, asked);
          throw error;
        }
      });
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => undefined);
      throw error;
    }
  }

  /** A container in the host's network has the host's name, unless it was given one; one in another's network has the other's. With the host's names it has one that is seen nowhere. */
  private async withHostname(config: ContainerConfig, hostConfig: HostConfig, find: Find, asked: RequestContext): Promise<ContainerConfig> {
    const { NetworkMode, UTSMode } = hostConfig;
    if (UTSMode === 'host' && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode');
    const lender = sharing(hostConfig, find);
    if (lender !== undefined) {
      const { Hostname, Domainname } = lender.spec.config;
      return { ...config, ...(Hostname === undefined ? {} : { Hostname }), ...(Domainname === undefined ? {} : { Domainname }) };
    }
    if (NetworkMode !== 'host' || config.Hostname) return config;
    return { ...config, Hostname: (await this.bus.request(GetHostFacts, {}, asked)).hostname };
  }

  /** Whom the command means by a name. Where that was decided, a name that is not among those decided on is nobody's; an id that was looked up here is still an id. */
  private finder({ named }: CreateContainer): Find {
    if (named === undefined) return (reference) => this.directory.tryFind(reference);
    // Links leave out the slash that a name may begin with.
    return (reference) => this.directory.get([reference, `/${reference}`].flatMap((name) => (Object.hasOwn(named, name) ? (named[name] ?? []) : []))[0] ?? reference);
  }

  private async checkRuntime(wanted: string | undefined, asked: RequestContext): Promise<void> {
    const runtime = runtimeName(wanted);
    if (runtime === OWN_RUNTIME) return;
    const { runtimes } = await this.bus.request(GetHostFacts, {}, asked);
    if (!runtimes.includes(runtime)) throw invalid(`unknown or invalid runtime name: ${wanted ?? ''}`);
  }

  /** Mounts as a container `id` has them: volumes are made, and filled. What was made is in `undo`. `held`: by one that is not there yet, or is and has not got them yet. */
  async prepareMounts(id: string, wanted: ReturnType<typeof mountRequests>, layers: readonly string[], asked: RequestContext, undo: (() => Promise<unknown>)[], held: Pick<CreateVolume, 'heldFor' | 'wantedBy'>): Promise<ContainerMount[]> {
    const mounts: ContainerMount[] = [];
    // Another's were there when it was made.
    const sources = wanted.flatMap((mount) => ('borrowed' in mount || mount.type !== 'bind' || mount.createSource ? [] : [mount.source]));
    if (sources.length > 0) await this.bus.request(CheckBindSources, { sources }, asked);
    for (const mount of wanted) mounts.push('borrowed' in mount ? await this.borrow(id, mount.borrowed, asked, held) : await this.prepareMount(id, mount, layers, asked, undo, held));
    return mounts;
  }

  /** Whose it was may be removed meanwhile, with its volumes. */
  private async borrow(container: string, mount: ContainerMount, asked: RequestContext, { heldFor }: Pick<CreateVolume, 'heldFor'>): Promise<ContainerMount> {
    const { type, name } = mount;
    if (type === 'volume' && name !== undefined) await holdVolume(this.bus, { name, container, ...(heldFor === undefined ? {} : { beingMade: true }) }, asked).catch(forClients);
    return mount;
  }

  private async prepareMount(container: string, mount: WantedMount, layers: readonly string[], asked: RequestContext, undo: (() => Promise<unknown>)[], held: Pick<CreateVolume, 'heldFor' | 'wantedBy'>): Promise<ContainerMount> {
    const { type, source, target, readOnly, mode, propagation, options } = mount;
    if (type !== 'volume') return { type, source, target, readOnly, mode, propagation, ...(options === undefined ? {} : { options }), ...(mount.createSource ? { createSource: true } : {}), ...(mount.nonRecursive ? { nonRecursive: true } : {}), ...(mount.readOnlyBelow ? { readOnlyBelow: mount.readOnlyBelow } : {}) };
    // Each volume of a keyed request has a key of its own.
    const cause = asked.idempotencyKey === undefined ? asked : { ...asked, idempotencyKey: `${container} ${target}` };
    const volume = await this.bus.request(CreateVolume, { ...mount.volume, ...(source === '' ? { container } : { name: source }), ...held }, cause);
    if (volume.created) undo.push(() => this.bus.request(RemoveVolume, { name: volume.name, force: true }, asked));
    // As dockerd does at creation, so that the volume can be looked into before the first start.
    const part = mount.subpath === undefined ? {} : { subpath: mount.subpath };
    if (!mount.noCopy && layers.length > 0 && !asked.dryRun) await this.bus.request(FillVolume, { name: volume.name, layers, path: target, ...part }, asked, FILL);
    return { type, name: volume.name, source: volume.mountpoint, target, readOnly, mode, propagation, copyUp: !mount.noCopy, anonymous: source === '', ...part };
  }
}

/** A volume of another's that is not there: clients would take that for the image, and pull. (Of a driver dockerd says not found, and they do.) */
function forClients(error: unknown): never {
  throw error instanceof BerthError && error.kind === 'not-found' ? invalid(error.message, error) : error;
}

/** The container whose network is to be shared. One that is not there is missed at the start, as with dockerd. */
function sharing({ NetworkMode }: HostConfig, find: Find): PresentContainer | undefined {
  const shared = sharedNetwork(NetworkMode);
  return shared === undefined ? undefined : find(shared);
}

import { type DynamicModule, Inject, Injectable, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { SnapshotSchedule } from '#libs/event-store/snapshot-schedule.js';
import { errorMessage } from '#libs/errors/errors.js';
import type { ServiceDependencies } from '#libs/messaging/service.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { stateFolder } from '#libs/settings/services.js';
import { logger } from '#libs/telemetry/logger.js';
import { boundPorts } from './adapters/bound-ports.js';
import { Bridges } from './application/bridges.js';
import { EndpointWishes } from './application/endpoint-wishes.js';
import { Endpoints } from './application/endpoints.js';
import { NetworkDirectory, type Networks, type Pools } from './application/network-directory.js';
import { NETWORKS, predefinedNetworks } from './application/predefined-networks.js';
import { ReleaseWatch } from './application/release-watch.js';
import { SettingsWatch } from './application/bridge-settings.js';
import { NETWORK_FOLD, networkDecider } from './domain/network/network-decider.js';
import { freezePool, POOL_FOLD, poolDecider, thawPool } from './domain/pool/pool-decider.js';
import { NetworksController } from './networks.controller.js';

const DEPENDENCIES = Symbol('dependencies');

/** Loads the folds, makes the predefined networks and asks the executor for the bridge. */
@Injectable()
class NetworksStart implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = logger('networks');
  private readonly watch: ReleaseWatch;
  private readonly snapshots: SnapshotSchedule;

  constructor(
    @Inject(DEPENDENCIES) private readonly deps: ServiceDependencies<EngineSettings>,
    @Inject('networks') private readonly networks: Networks,
    @Inject('pools') private readonly pools: Pools,
    private readonly wishes: EndpointWishes,
    private readonly settingsWatch: SettingsWatch,
    private readonly bridges: Bridges,
    endpoints: Endpoints,
  ) {
    const onError = (error: unknown): void => this.log.error('an endpoint could not be released', { error });
    this.watch = new ReleaseWatch(deps.store, pools, wishes, endpoints.actions, `${stateFolder(deps.settings, 'networks')}/release-watch.snapshot`, onError);
    this.snapshots = new SnapshotSchedule([networks, pools, this.watch], (error) => this.log.error('a snapshot could not be saved', { error }));
  }

  async onApplicationBootstrap(): Promise<void> {
    this.wishes.start();
    await Promise.all([this.networks.start(), this.pools.start()]);
    for (const command of predefinedNetworks(this.deps.settings, new Date().toISOString())) await this.networks.execute(command.id, command, NETWORKS);
    await this.watch.start();
    await this.settingsWatch.start();
    this.snapshots.start();
    for (const [, network] of this.networks.entries()) if (network.status === 'present') void this.bridges.make(network);
  }

  async onApplicationShutdown(): Promise<void> {
    this.bridges.stop();
    this.settingsWatch.stop();
    this.wishes.stop();
    await this.snapshots.stop();
    await Promise.all([this.watch.stop(), this.networks.stop(), this.pools.stop()]);
  }
}

@Module({})
export class NetworksModule {
  static for(deps: ServiceDependencies<EngineSettings>): DynamicModule {
    const folder = stateFolder(deps.settings, 'networks');
    const networks: Networks = new Aggregates(deps.store, 'network', networkDecider, { source: 'networks', snapshot: { path: `${folder}/network.snapshot`, fold: NETWORK_FOLD } });
    const pools: Pools = new Aggregates(deps.store, 'pool', poolDecider, { source: 'networks', snapshot: { path: `${folder}/pool.snapshot`, fold: POOL_FOLD, freeze: freezePool, thaw: thawPool } });
    const directory = new NetworkDirectory(networks, pools);
    const log = logger('networks');
    const wishes = new EndpointWishes(pools, (error, about) => log.error('what an endpoint is to have is not on the log yet', { ...about, error }));
    const bridges = new Bridges(deps.bus, (bridge, error) => log.warn('a bridge could not be made: it is tried again', { bridge, error: errorMessage(error) }));
    const settingsWatch = new SettingsWatch(deps.settings, networks, pools, wishes, (network) => bridges.make(network), (message, error) => log.error(message, error === undefined ? {} : { error }));
    return {
      module: NetworksModule,
      controllers: [NetworksController],
      providers: [
        NetworksStart,
        { provide: DEPENDENCIES, useValue: deps },
        { provide: 'networks', useValue: networks },
        { provide: 'pools', useValue: pools },
        { provide: NetworkDirectory, useValue: directory },
        { provide: EndpointWishes, useValue: wishes },
        { provide: Bridges, useValue: bridges },
        { provide: SettingsWatch, useValue: settingsWatch },
        { provide: Endpoints, useValue: new Endpoints(directory, pools, wishes, boundPorts, settingsWatch) },
      ],
    };
  }
}

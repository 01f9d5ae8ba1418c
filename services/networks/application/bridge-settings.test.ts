import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { networkDecider } from '../domain/network/network-decider.js';
import { poolDecider } from '../domain/pool/pool-decider.js';
import { EndpointWishes } from './endpoint-wishes.js';
import { Endpoints } from './endpoints.js';
import { NetworkDirectory, type Networks, type Pools, type PresentNetwork } from './network-directory.js';
import { predefinedNetworks } from './predefined-networks.js';
import { SettingsWatch } from './bridge-settings.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'c' };
const at = '2026-01-01T00:00:00.000000000Z';
const settings = (subnet: string, bridge: string): EngineSettings => ({ subnet, bridge, dataRoot: '/data' }) as EngineSettings;
const before = settings('172.17.0.0/16', 'berth0');
const wished = settings('10.9.0.0/24', 'berth1');

let networks: Networks;
let pools: Pools;
let wishes: EndpointWishes;
let watch: SettingsWatch;
let endpoints: Endpoints;
let made: PresentNetwork[];
let hostIsDone: Promise<void>;
let said: string[];
/** Resolves what the next allocation asks of the host before it is decided. */
let boundPorts: () => Promise<ReadonlySet<string>>;
beforeEach(async () => {
  const store = new MemoryEventStore();
  [made, said, hostIsDone] = [[], [], Promise.resolve()];
  boundPorts = () => Promise.resolve(new Set());
  networks = new Aggregates(store, 'network', networkDecider, { source: 'networks' });
  pools = new Aggregates(store, 'pool', poolDecider, { source: 'networks' });
  wishes = new EndpointWishes(pools, (error) => expect.unreachable(String(error)));
  watch = new SettingsWatch(wished, networks, pools, wishes, (network) => (made.push(network), hostIsDone), (message) => void said.push(message));
  endpoints = new Endpoints(new NetworkDirectory(networks, pools), pools, wishes, () => boundPorts(), watch);
  wishes.start();
  await Promise.all([networks.start(), pools.start()]);
  for (const command of predefinedNetworks(before, at)) await networks.execute(command.id, command, asked);
});
afterEach(async () => {
  watch.stop();
  wishes.stop();
  await Promise.all([networks.stop(), pools.stop()]);
});

const allocate = (endpoint: string, hostPort = 8080) =>
  endpoints.allocate({ network: 'bridge', endpoint, container: endpoint, name: endpoint, ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort }] } as never, asked);
const release = (endpoint: string) => endpoints.release({ network: 'bridge', endpoint } as never, asked);
const bridge = (): PresentNetwork => new NetworkDirectory(networks, pools).find('bridge');

test('with nothing in it, the network is what the settings say before anybody asks', async () => {
  await watch.start();
  expect(bridge()).toMatchObject({ subnet: '10.9.0.0/24', gateway: '10.9.0.1', bridge: 'berth1' });
  expect([made, said, watch.remark()]).toEqual([[], [], undefined]);
});

test('while a container has an address of it, it stays what it was, and says so; the last one that goes takes that along', async () => {
  await allocate('web');
  await allocate('db', 8081);
  await watch.start();
  const words = 'BERTH_SUBNET=10.9.0.0/24 BERTH_BRIDGE=berth1 do not count yet: the network bridge is 172.17.0.0/16 on berth0 until no container has an address of it, as now web, db';
  expect([said, watch.remark()]).toEqual([[words], words]);
  const host = Promise.withResolvers<void>();
  hostIsDone = host.promise;
  expect(await allocate('late', 8082)).toMatchObject({ address: '172.17.0.4' });
  for (const endpoint of ['web', 'late', 'db']) {
    expect(bridge().subnet).toBe('172.17.0.0/16');
    await release(endpoint);
  }
  let isGiven = false;
  const next = allocate('web').finally(() => (isGiven = true));
  await expect.poll(() => made.map((network) => network.bridge)).toEqual(['berth1']);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(isGiven).toBe(false);
  host.resolve();
  expect(await next).toMatchObject({ address: '10.9.0.2', bridge: 'berth1', gateway: '10.9.0.1' });
  expect(watch.remark()).toBeUndefined();
});

test('an allocation under way holds it, as one that is there', async () => {
  await allocate('web');
  await watch.start();
  const looked = Promise.withResolvers<ReadonlySet<string>>();
  boundPorts = () => looked.promise;
  const late = allocate('late', 0);
  await release('web');
  looked.resolve(new Set());
  expect(await late).toMatchObject({ address: '172.17.0.2', bridge: 'berth0' });
  expect(bridge().subnet).toBe('172.17.0.0/16');
  await release('late');
  await expect.poll(() => bridge().subnet).toBe('10.9.0.0/24');
});

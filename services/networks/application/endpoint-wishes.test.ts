import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { PortRequest } from '#contracts/containers/container-state.js';
import type { RequestContext } from '#contracts/request.js';
import { Aggregates } from '#libs/event-store/aggregates.js';
import { noHead } from '#libs/event-store/event.js';
import { type Fate, StallingEventStore } from '#libs/event-store/testing/stalling-event-store.js';
import { networkDecider } from '../domain/network/network-decider.js';
import { poolDecider } from '../domain/pool/pool-decider.js';
import { EndpointWishes } from './endpoint-wishes.js';
import { Endpoints } from './endpoints.js';
import { NetworkDirectory, type Networks, type Pools } from './network-directory.js';
import { ReleaseWatch } from './release-watch.js';

const asked: RequestContext = { actor: 'test', correlationId: 'c', causationId: 'c' };
const at = '2026-01-01T00:00:00.000000000Z';
const created = { type: 'Create', id: 'n1', name: 'bridge', driver: 'bridge', subnet: '172.17.0.0/16', gateway: '172.17.0.1', bridge: 'berth0', mtu: 1500, internal: false, labels: {}, options: {}, at } as const;
const port = (hostPort: number): PortRequest => ({ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort });
const unavailable = { kind: 'unavailable' };

let folder: string;
let store: StallingEventStore;
let networks: Networks;
let pools: Pools;
let wishes: EndpointWishes;
let endpoints: Endpoints;
let watch: ReleaseWatch;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-endpoints-'));
  store = new StallingEventStore();
  networks = new Aggregates(store, 'network', networkDecider, { source: 'networks' });
  pools = new Aggregates(store, 'pool', poolDecider, { source: 'networks' });
  const fail = (error: unknown): void => expect.unreachable(String(error));
  wishes = new EndpointWishes(pools, fail);
  endpoints = new Endpoints(new NetworkDirectory(networks, pools), pools, wishes, () => Promise.resolve(new Set()), { allocate: (work) => work() });
  watch = new ReleaseWatch(store, pools, wishes, endpoints.actions, join(folder, 'snapshot'), fail);
  wishes.start();
  await Promise.all([networks.start(), pools.start()]);
  await networks.execute('n1', created, asked);
  await watch.start();
});
afterEach(async () => {
  wishes.stop();
  await Promise.all([watch.stop(), networks.stop(), pools.stop()]);
  rmSync(folder, { recursive: true });
});

const allocate = (endpoint: string, ...ports: PortRequest[]) => endpoints.allocate({ network: 'bridge', endpoint, container: 'c1', name: 'web', ports } as never, asked);
const release = (endpoint: string) => endpoints.release({ network: 'bridge', endpoint } as never, asked);
const change = (endpoint: string, ...ports: PortRequest[]) => endpoints.changePorts({ network: 'bridge', endpoint, ports }, asked);
const held = (): string[] => Array.from(pools.get('n1').state.endpoints.values(), ({ endpoint, ports }) => [endpoint, ...ports.map(({ hostPort }) => hostPort)].join(' '));
/** Once all is seen that the log holds, and what comes of it. */
const settled = async (): Promise<void> => {
  for (let before = -1; before !== (await store.lastPosition()); ) {
    before = await store.lastPosition();
    await Promise.all([pools.waitFor(before), watch.position]);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
};
const happen = async (event: ContainerEvent): Promise<void> => {
  await store.append(`berth.event.container.${event.container}`, noHead, [event], asked);
  await settled();
};

describe.each<Fate>(['unheard', 'late'])('an allocation that was not acknowledged, and is on the log (%s)', (fate) => {
  beforeEach(() => store.fates.set('EndpointAllocated', [fate]));

  test('is released where it was given back before', async () => {
    await expect(allocate('c1-1', port(8080))).rejects.toMatchObject(unavailable);
    await release('c1-1');
    await store.land();
    await settled();
    expect(held()).toEqual([]);
  });

  test.each<ContainerEvent>([
    { type: 'StartFailed', container: 'c1', start: 1, error: 'the log did not answer', exitCode: 128, at },
    { type: 'ContainerRemoved', container: 'c1', at },
  ])('is released where $type came before', async (event) => {
    await expect(allocate('c1-1', port(8080))).rejects.toMatchObject(unavailable);
    await happen(event);
    await store.land();
    await settled();
    expect(held()).toEqual([]);
  });

  test('stays where it was wanted again', async () => {
    await expect(allocate('c1-1', port(8080))).rejects.toMatchObject(unavailable);
    await release('c1-1');
    await allocate('c1-1', port(8080));
    await store.land();
    await settled();
    expect(held()).toEqual(['c1-1 8080']);
  });

  test('stays where nobody gave it back', async () => {
    await expect(allocate('c1-1', port(8080))).rejects.toMatchObject(unavailable);
    await store.land();
    await settled();
    expect(held()).toEqual(['c1-1 8080']);
  });
});

test('what an earlier endpoint was to be given back does not concern a later one', async () => {
  store.fates.set('EndpointAllocated', ['lost']);
  await expect(allocate('c1-1')).rejects.toMatchObject(unavailable);
  await release('c1-1');
  await allocate('c2-1');
  await allocate('c1-1');
  await settled();
  expect(held()).toEqual(['c2-1', 'c1-1']);
  expect(wishes.unsure()).toEqual([]);
});

test('ports that come late give way to those that were wished since', async () => {
  await allocate('c1-1', port(8080));
  store.fates.set('EndpointPortsChanged', ['late']);
  await expect(change('c1-1', port(9090))).rejects.toMatchObject(unavailable);
  await change('c1-1', port(8080));
  await store.land();
  await settled();
  expect(held()).toEqual(['c1-1 8080']);
});

test.each<Fate>(['full', 'lost', 'unheard', 'late'])('a release that the log does not take (%s) is told again', async (fate) => {
  await allocate('c1-1', port(8080));
  store.fates.set('EndpointReleased', [fate]);
  await expect(release('c1-1')).rejects.toMatchObject(unavailable);
  await expect.poll(held).toEqual([]);
});

test.each(['behind it', 'since'])('a release that the log did not take is not told again once the endpoint is wanted %s', async (when) => {
  await allocate('c1-1', port(8080));
  store.fates.set('EndpointReleased', ['full', 'full']);
  const released = release('c1-1');
  const refused = expect(released).rejects.toMatchObject(unavailable);
  if (when === 'since') await refused;
  const wanted = wishes.make('n1', 'c1-1', asked, () => pools.execute('n1', { type: 'ChangePorts', endpoint: 'c1-1', ports: [port(9090)], at }, asked));
  await Promise.all([refused, wanted]);
  // It would be told again within that time.
  const told = vi.spyOn(pools, 'execute');
  await expect.poll(() => wishes['wishes'].size).toBe(0);
  expect([held(), told.mock.calls.length]).toEqual([['c1-1 9090'], 0]);
});

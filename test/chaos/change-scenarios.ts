import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { freePort } from '../engine/private-addresses.js';
import { cgroupsOf } from './oracle/host-mounts.js';
import type { Driver, Scenario } from './scenario.js';
import { until } from './settled.js';

const MB = 1024 * 1024;
const RUNS = 'echo up; trap "exit 3" TERM; while :; do sleep 0.1; done';
const SERVES = 'echo harbour > /tmp/index.html; exec httpd -f -p 80 -h /tmp';

/** Published first, and by an edit beside it. Of the machine, so asked for anew each time. */
let ports = { first: 0, second: 0 };
let pid = 0;
const binding = (port: number) => ({ '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] });

async function running(driver: Driver, name: string, host: object = {}, script = RUNS): Promise<void> {
  await driver.create(name, script, host);
  await driver.start(name);
  ({ Pid: pid } = await driver.state(name));
}

/** The same run goes on as before the change. */
async function goesOn(driver: Driver, name: string): Promise<void> {
  const state = await driver.state(name);
  if (state.Status !== 'running' || state.Pid !== pid) throw new Error(`${name} is ${state.Status} as process ${state.Pid}, and was running as ${pid}`);
}

async function hasMemory(driver: Driver, name: string, bytes: number): Promise<void> {
  const { Id, HostConfig } = JSON.parse(await driver.call('GET', `/containers/${name}/json`)) as { Id: string; HostConfig: { Memory: number } };
  const hierarchies = cgroupsOf(driver.engine.settings).get(Id) ?? [];
  const limits = hierarchies.flatMap((hierarchy) => ['memory.limit_in_bytes', 'memory.max'].map((file) => textOf(`${hierarchy}${driver.engine.settings.cgroupParent}/${Id}/${file}`))).filter((text) => text !== '');
  if (HostConfig.Memory !== bytes || limits.join() !== String(bytes)) throw new Error(`${name} has ${HostConfig.Memory} bytes by the engine and ${limits.join()} by the kernel, not ${bytes}`);
}

async function isServed(port: number): Promise<void> {
  await until(`port ${port} is served`, async () => (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).ok, 10_000);
}

/** Whoever likes may have it. */
async function isFree(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host: '127.0.0.1', port, exclusive: true }, resolve));
  await new Promise((resolve) => server.close(resolve));
}

async function hasLabel(driver: Driver, name: string, label: string | undefined): Promise<void> {
  const { Config } = JSON.parse(await driver.call('GET', `/containers/${name}/json`)) as { Config: { Labels: Record<string, string> } };
  if (Config.Labels['tier'] !== label) throw new Error(`${name} has the label ${Config.Labels['tier']}, not ${label}`);
}

async function published(driver: Driver, name: string): Promise<void> {
  ports = { first: await freePort(), second: await freePort() };
  await running(driver, name, { PortBindings: binding(ports.first), Memory: 32 * MB }, SERVES);
  await isServed(ports.first);
}

const edit = (driver: Driver, name: string): Promise<string> =>
  driver.call('POST', `/berth/containers/${name}/edit`, { publish: binding(ports.second), limits: { Memory: 64 * MB, MemorySwap: 128 * MB }, setLabels: { tier: 'back' } });

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Changes of containers that are there. Whether one that is paused stands still, the oracle sees. */
export const changeScenarios: readonly Scenario[] = [
  {
    name: 'edit',
    prepare: (driver) => published(driver, 'edited'),
    act: async (driver) => void (await edit(driver, 'edited')),
    check: async (driver) => {
      await goesOn(driver, 'edited');
      await hasMemory(driver, 'edited', 64 * MB);
      await hasLabel(driver, 'edited', 'back');
      await isServed(ports.first);
      await isServed(ports.second);
    },
    clean: async (driver) => void (await driver.remove('edited')),
  },
  {
    name: 'revert',
    prepare: async (driver) => {
      await published(driver, 'reverted');
      await edit(driver, 'reverted');
    },
    act: async (driver) => void (await driver.call('POST', '/berth/containers/reverted/revert?to=1')),
    check: async (driver) => {
      await goesOn(driver, 'reverted');
      await hasLabel(driver, 'reverted', undefined);
      await hasMemory(driver, 'reverted', 32 * MB);
      await isServed(ports.first);
      await isFree(ports.second);
    },
    clean: async (driver) => void (await driver.remove('reverted')),
  },
  {
    name: 'edit of mounts',
    prepare: (driver) => running(driver, 'moored', { NetworkMode: 'none', Binds: ['old:/old'] }),
    act: async (driver) => void (await driver.call('POST', '/berth/containers/moored/edit', { binds: ['new:/bin'], unmount: ['/old'] }, [400])),
    check: async (driver) => {
      await goesOn(driver, 'moored');
      const { Mounts } = JSON.parse(await driver.call('GET', '/containers/moored/json')) as { Mounts: { Destination: string }[] };
      const targets = Mounts.map(({ Destination }) => Destination).join();
      if (targets !== '/bin') throw new Error(`it has mounts at ${targets}`);
    },
    clean: async (driver) => {
      await driver.remove('moored');
      for (const volume of ['old', 'new']) await driver.call('DELETE', `/volumes/${volume}`, undefined, [404]);
    },
  },
  {
    name: 'update',
    prepare: (driver) => running(driver, 'grown', { NetworkMode: 'none', Memory: 32 * MB, MemorySwap: 64 * MB }),
    act: async (driver) => void (await driver.call('POST', '/containers/grown/update', { Memory: 48 * MB, RestartPolicy: { Name: 'always' } })),
    check: async (driver) => {
      await goesOn(driver, 'grown');
      await hasMemory(driver, 'grown', 48 * MB);
    },
    clean: async (driver) => void (await driver.remove('grown')),
  },
  {
    name: 'pause',
    prepare: (driver) => running(driver, 'still', { NetworkMode: 'none' }),
    act: async (driver) => void (await driver.call('POST', '/containers/still/pause', undefined, [409])),
    check: (driver) => driver.is('still', 'paused'),
    clean: async (driver) => void (await driver.remove('still')),
  },
  {
    name: 'unpause',
    prepare: async (driver) => {
      await running(driver, 'awake', { NetworkMode: 'none' });
      await driver.call('POST', '/containers/awake/pause');
    },
    act: async (driver) => void (await driver.call('POST', '/containers/awake/unpause', undefined, [409])),
    check: (driver) => goesOn(driver, 'awake'),
    clean: async (driver) => void (await driver.remove('awake')),
  },
  {
    name: 'restart',
    // Whatever comes between its halves, it is no end: the container would go with that.
    prepare: (driver) => running(driver, 'renewed', { AutoRemove: true, PortBindings: { '80/tcp': [{ HostPort: '' }] } }),
    act: async (driver) => void (await driver.call('POST', '/containers/renewed/restart')),
    check: (driver) => driver.is('renewed', 'running'),
    clean: async (driver) => void (await driver.remove('renewed')),
  },
  {
    name: 'protect',
    prepare: (driver) => driver.create('held', 'true'),
    act: async (driver) => void (await driver.call('POST', '/berth/containers/held/protect')),
    check: async (driver) => {
      await driver.call('DELETE', '/containers/held?force=1', undefined, [409]);
      await driver.is('held', 'created');
    },
    clean: async (driver) => {
      await driver.call('POST', '/berth/containers/held/unprotect');
      await driver.remove('held');
    },
  },
  {
    name: 'unprotect what ended with --rm',
    prepare: async (driver) => {
      await driver.create('spared', 'exit 5', { AutoRemove: true, NetworkMode: 'none' });
      await driver.call('POST', '/berth/containers/spared/protect');
      await driver.start('spared');
      await driver.is('spared', 'exited', 5);
    },
    act: async (driver) => void (await driver.call('POST', '/berth/containers/spared/unprotect', undefined, [404])),
    check: (driver) => until('it has removed itself', async () => (await driver.call('GET', '/containers/spared/json', undefined, [404])).includes('No such container')),
    clean: async (driver) => void (await driver.remove('spared')),
  },
];

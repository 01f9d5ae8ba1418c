import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './api.js';
import { changeScenarios } from './change-scenarios.js';
import { SELDOM_MS, type Driver, type Scenario } from './scenario.js';
import { until } from './settled.js';

const FOREVER = 'echo up; trap "exit 3" TERM; while :; do sleep 0.1; done';
/** In nanoseconds. */
const HOUR = 3_600_000_000_000;
const archive = (driver: Driver): Buffer => readFileSync(join(driver.engine.settings.dataRoot, 'second.tar'));

async function health(driver: Driver): Promise<{ Status: string; Log: readonly { ExitCode: number }[] }> {
  return (JSON.parse(await driver.call('GET', '/containers/sound/json')) as { State: { Health: { Status: string; Log: { ExitCode: number }[] } } }).State.Health;
}

const startByRunc: Scenario = {
  name: 'start by runc',
  prepare: (driver) => driver.create('foreign', FOREVER, { Runtime: 'runc' }),
  act: async (driver) => void (await driver.start('foreign')),
  check: async (driver) => {
    await driver.is('foreign', 'running');
    await until('it has written', async () => (await driver.logs('foreign')) === 'up\n');
  },
  clean: async (driver) => void (await driver.remove('foreign')),
};

export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    act: (driver) => driver.create('made', 'true', { Binds: ['kept:/bin'] }, { Volumes: { '/anonymous': {} } }),
    check: async (driver) => {
      await driver.is('made', 'created');
      const { Mountpoint } = JSON.parse(await driver.call('GET', '/volumes/kept')) as { Mountpoint: string };
      if (!existsSync(join(Mountpoint, 'busybox'))) throw new Error('the volume was not filled from the image');
    },
    clean: async (driver) => {
      await driver.remove('made');
      await driver.call('DELETE', '/volumes/kept', undefined, [404]);
    },
  },
  {
    name: 'create without volumes',
    // The name is claimed beside the creation; one of two has to go without.
    act: async (driver) => void (await Promise.all([driver.create('bare', 'true'), driver.create('bare', 'true')])),
    check: (driver) => driver.is('bare', 'created'),
    clean: async (driver) => void (await driver.remove('bare')),
  },
  {
    name: 'start',
    prepare: (driver) => driver.create('begun', FOREVER, { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] }, Binds: ['begun:/data'] }),
    act: async (driver) => void (await driver.start('begun')),
    check: async (driver) => {
      await driver.is('begun', 'running');
      await until('it has written', async () => (await driver.logs('begun')) === 'up\n');
    },
    clean: async (driver) => {
      await driver.remove('begun');
      await driver.call('DELETE', '/volumes/begun', undefined, [404]);
    },
  },
  {
    name: 'start of a command that is not there',
    prepare: (driver) => driver.create('mistaken', '', { PortBindings: { '80/tcp': [{ HostPort: '' }] } }, { Cmd: ['/nowhere'] }),
    act: async (driver) => void (await driver.call('POST', '/containers/mistaken/start', undefined, [400, 404])),
    check: (driver) => driver.is('mistaken', 'created', 127),
    clean: async (driver) => void (await driver.remove('mistaken')),
  },
  {
    name: 'exec',
    prepare: async (driver) => {
      await driver.create('inside', FOREVER);
      await driver.start('inside');
    },
    act: async (driver) => {
      const { Id } = JSON.parse(await driver.call('POST', '/containers/inside/exec', { Cmd: ['sh', '-c', 'echo x >> /done; exit 4'] })) as { Id: string };
      await driver.call('POST', `/exec/${Id}/start`, { Detach: true });
      await until('the exec has ended', async () => (JSON.parse(await driver.call('GET', `/exec/${Id}/json`)) as { ExitCode: number | null }).ExitCode === 4);
    },
    check: (driver) => driver.is('inside', 'running'),
    clean: async (driver) => void (await driver.remove('inside')),
  },
  {
    name: 'health check',
    // One check, which takes a moment, and no other for an hour where it went well; of one that was cut short there is another.
    prepare: (driver) => driver.create('sound', FOREVER, { NetworkMode: 'none' }, { Healthcheck: { Test: ['CMD-SHELL', 'exec sleep 0.345'], StartPeriod: HOUR, StartInterval: HOUR / 36_000, Interval: HOUR } }),
    act: async (driver) => {
      await driver.start('sound');
      await until('it is healthy', async () => (await health(driver)).Status === 'healthy', 20_000, SELDOM_MS);
    },
    check: async (driver) => {
      const { Log } = await health(driver);
      if (Log.some(({ ExitCode }) => ExitCode !== 0)) throw new Error(`a check that was cut short counts: ${JSON.stringify(Log)}`);
      const { Processes } = JSON.parse(await driver.call('GET', '/containers/sound/top?ps_args=-eo%20pid,args')) as { Processes: string[][] };
      if (Processes.some(([, args]) => args === 'sleep 0.345')) throw new Error(`a check goes on that nobody follows: ${JSON.stringify(Processes)}`);
      await driver.is('sound', 'running');
    },
    clean: async (driver) => void (await driver.remove('sound')),
  },
  {
    name: 'stop',
    prepare: async (driver) => {
      await driver.create('halted', FOREVER, { RestartPolicy: { Name: 'always' } });
      await driver.start('halted');
      await until('it has set its trap', async () => (await driver.logs('halted')) === 'up\n');
    },
    act: async (driver) => void (await driver.call('POST', '/containers/halted/stop', undefined, [304])),
    check: (driver) => driver.is('halted', 'exited', 3),
    clean: async (driver) => void (await driver.remove('halted')),
  },
  {
    name: 'kill',
    prepare: async (driver) => {
      await driver.create('shot', FOREVER, { NetworkMode: 'none' });
      await driver.start('shot');
    },
    act: async (driver) => void (await driver.call('POST', '/containers/shot/kill', undefined, [409])),
    check: (driver) => driver.is('shot', 'exited', 137),
    clean: async (driver) => void (await driver.remove('shot')),
  },
  {
    name: 'exit',
    prepare: async (driver) => {
      await driver.create('over', 'trap "for i in 1 2 3 4 5 6 7 8 9; do echo \\$i; done; exit 9" TERM; echo up; while :; do sleep 0.1; done');
      await driver.start('over');
      await until('it has set its trap', async () => (await driver.logs('over')) === 'up\n');
    },
    act: async (driver) => {
      const { Pid } = await driver.state('over');
      // By nobody's command: the container ends by itself.
      if (Pid > 0) process.kill(Pid, 'SIGTERM');
      await driver.is('over', 'exited');
    },
    check: async (driver) => {
      await driver.is('over', 'exited', 9);
      const log = await driver.logs('over');
      if (log !== 'up\n1\n2\n3\n4\n5\n6\n7\n8\n9\n') throw new Error(`its log is not whole: ${JSON.stringify(log)}`);
    },
    clean: async (driver) => void (await driver.remove('over')),
  },
  {
    name: 'restart policy',
    prepare: (driver) => driver.create('again', 'echo run; exit 1', { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } }),
    act: async (driver) => {
      await driver.start('again');
      await until('it was started three times', async () => {
        const { Status, RestartCount } = await driver.state('again');
        return Status === 'exited' && RestartCount === 2;
      }, 30_000, SELDOM_MS);
    },
    check: (driver) => driver.is('again', 'exited', 1),
    clean: async (driver) => void (await driver.remove('again')),
  },
  {
    name: 'remove by force',
    prepare: async (driver) => {
      await driver.create('gone', FOREVER, { PortBindings: { '80/tcp': [{ HostPort: '' }] } }, { Volumes: { '/anonymous': {} } });
      await driver.start('gone');
    },
    act: async (driver) => void (await driver.remove('gone')),
    check: async (driver) => {
      await driver.create('gone', 'true'); // the name is free
      await driver.remove('gone');
    },
    clean: async (driver) => void (await driver.remove('gone')),
  },
  {
    name: 'undo',
    prepare: async (driver) => {
      await driver.create('undone', 'echo here > /data/f; echo said', {}, { Volumes: { '/data': {} } });
      await driver.start('undone');
      await driver.is('undone', 'exited', 0);
      await driver.remove('undone');
    },
    act: async (driver) => void (await driver.call('POST', '/berth/removed/undone/restore', undefined, [409])),
    check: async (driver) => {
      await driver.is('undone', 'exited', 0);
      const { Mounts } = JSON.parse(await driver.call('GET', '/containers/undone/json')) as { Mounts: { Source: string }[] };
      if (readFileSync(join(Mounts[0]?.Source ?? '', 'f'), 'utf8') !== 'here\n') throw new Error('its volume is not what it was');
      if ((await driver.logs('undone')) !== 'said\n') throw new Error('its log is not what it was');
    },
    clean: async (driver) => void (await driver.remove('undone')),
  },
  {
    name: 'discard',
    prepare: async (driver) => {
      await driver.create('let-go', 'true', {}, { Volumes: { '/data': {} } });
      await driver.start('let-go');
      await driver.is('let-go', 'exited', 0);
      await driver.remove('let-go');
    },
    act: async (driver) => void (await driver.call('DELETE', '/berth/removed/let-go', undefined, [404])),
    check: async (driver) => {
      if ((await driver.call('GET', '/berth/removed')).includes('"let-go"')) throw new Error('it can come back');
    },
    clean: async () => undefined,
  },
  {
    name: 'remove while it starts',
    prepare: (driver) => driver.create('hasty', FOREVER),
    act: async (driver) => {
      const started = driver.start('hasty').catch(() => undefined);
      await driver.remove('hasty');
      await started;
    },
    clean: async (driver) => void (await driver.remove('hasty')),
  },
  {
    name: 'run --rm',
    act: async (driver) => {
      await driver.create('brief', 'exit 5', { AutoRemove: true }, { Volumes: { '/anonymous': {} } });
      await driver.call('POST', '/containers/brief/start', undefined, [304, 404]);
      await until('it has removed itself', async () => (await ask(driver.engine.socket, 'GET', '/containers/brief/json')).status === 404, 20_000, SELDOM_MS);
    },
    clean: async (driver) => void (await driver.remove('brief')),
  },
  {
    name: 'rename',
    prepare: (driver) => driver.create('before', 'true'),
    act: async (driver) => void (await driver.call('POST', '/containers/before/rename?name=after', undefined, [404])),
    check: (driver) => driver.is('after', 'created'),
    clean: async (driver) => {
      await driver.remove('before');
      await driver.remove('after');
    },
  },
  {
    name: 'commit',
    prepare: async (driver) => {
      await driver.create('taken', `echo x > /file; ${FOREVER}`);
      await driver.start('taken');
      await until('it has written', async () => (await driver.logs('taken')) === 'up\n');
    },
    act: async (driver) => void (await driver.call('POST', '/commit?container=taken&repo=made&tag=v1')),
    check: async (driver) => {
      await driver.is('taken', 'running');
      await driver.call('POST', '/containers/create?name=copy', { Image: 'made:v1', Cmd: ['cat', '/file'] }, [409]);
      await driver.start('copy');
      await driver.is('copy', 'exited', 0);
    },
    clean: async (driver) => {
      await driver.remove('copy');
      await driver.remove('taken');
      await driver.call('DELETE', '/images/made:v1', undefined, [404]);
      await driver.call('POST', '/images/prune');
    },
  },
  {
    name: 'volume',
    act: async (driver) => {
      await driver.call('POST', '/volumes/create', { Name: 'box' });
      await driver.call('DELETE', '/volumes/box', undefined, [404]);
    },
    clean: async (driver) => void (await driver.call('DELETE', '/volumes/box', undefined, [404])),
  },
  {
    name: 'load and remove an image',
    act: async (driver) => {
      const told = await driver.call('POST', '/images/load?quiet=1', archive(driver));
      if (told.includes('"error"')) throw new Error(told);
      await driver.call('DELETE', '/images/second', undefined, [404]);
    },
    clean: async (driver) => void (await driver.call('DELETE', '/images/second', undefined, [404])),
  },
  {
    name: 'pull and remove an image',
    act: async (driver) => {
      const name = `${driver.registry?.address}/second`;
      const told = await driver.call('POST', `/images/create?fromImage=${encodeURIComponent(name)}&tag=latest`);
      if (told.includes('"error"')) throw new Error(told);
      await driver.call('DELETE', `/images/${name}:latest`, undefined, [404]);
    },
    clean: async (driver) => void (await driver.call('DELETE', `/images/${driver.registry?.address}/second:latest`, undefined, [404])),
  },
  {
    name: 'attach',
    prepare: (driver) => driver.create('heard', 'echo begin; sleep 0.3; echo end; exit 6'),
    act: async (driver) => {
      const attached = driver.engine.docker(['attach', '--no-stdin', 'heard']);
      await driver.start('heard');
      await attached;
      await driver.is('heard', 'exited');
    },
    check: async (driver) => {
      await driver.is('heard', 'exited', 6);
      const runs = (await driver.logs('heard')).replaceAll('begin\nend\n', '.');
      if (!/^\.{1,3}$/.test(runs)) throw new Error(`its log is not whole: ${runs}`);
    },
    clean: async (driver) => void (await driver.remove('heard')),
  },
  {
    name: 'start in another cgroup and among the processes of another',
    prepare: async (driver) => {
      await driver.create('host', FOREVER, { IpcMode: 'shareable' });
      await driver.start('host');
      await driver.create('guest', FOREVER, { PidMode: 'container:host', IpcMode: 'container:host', CgroupParent: `${driver.engine.settings.cgroupParent}-asked/below` });
    },
    act: async (driver) => void (await driver.start('guest')),
    check: async (driver) => {
      await driver.is('guest', 'running');
      await until('it has written', async () => (await driver.logs('guest')) === 'up\n');
    },
    clean: async (driver) => {
      await driver.remove('guest');
      await driver.remove('host');
    },
  },
  ...changeScenarios,
  // crun refuses the hybrid cgroup layout of a machine with cgroups v1 beside v2.
  ...(process.env['PATH']?.split(':').some((folder) => existsSync(join(folder, 'runc'))) ? [startByRunc] : []),
];

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (!found) throw new Error(`there is no scenario ${name}`);
  return found;
}

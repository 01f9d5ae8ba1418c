import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goDuration } from '../../services/containers/domain/health/health.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { openLog } from '../engine/operator-log.js';
import { patience } from '../engine/patience.js';

/** Health checks as a real docker CLI sees them. */
let engine: TestEngine;
const SECOND = 1e9;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const run = async (name: string, ...options: string[]): Promise<void> => {
  const { code, stderr } = await docker('run', '-d', '--name', name, '--network', 'none', '--health-interval', '100ms', ...options, 'busybox', 'sleep', '1000');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
};
interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string; readonly Start: string; readonly End: string }[];
}
const health = async (name: string): Promise<Health> => JSON.parse((await docker('inspect', '--format', '{{json .State.Health}}', name)).stdout) as Health;
async function until(name: string, holds: (health: Health) => boolean): Promise<Health> {
  for (const deadline = Date.now() + patience(20_000); ; await sleep(20)) {
    const now = await health(name);
    if (holds(now)) return now;
    if (Date.now() > deadline) throw new Error(JSON.stringify(now));
  }
}

test('a container starts as starting, becomes healthy, and unhealthy when its command fails as often as it may', async () => {
  await run('web', '--health-cmd', 'cat /tmp/well', '--health-retries', '2', '--health-start-period', '1h', '--health-start-interval', '100ms');
  expect((await docker('ps', '--filter', 'name=web', '--filter', 'health=starting', '--format', '{{.Status}}')).stdout).toContain('(health: starting)');
  // Failures while it starts count for nothing.
  const starting = await until('web', ({ Log }) => Log.length >= 3);
  expect(starting).toMatchObject({ Status: 'starting', FailingStreak: 0 });
  expect(starting.Log[0]).toMatchObject({ ExitCode: 1, Output: "cat: can't open '/tmp/well': No such file or directory\n" });
  await docker('exec', 'web', 'sh', '-c', 'echo fine > /tmp/well');
  const well = await until('web', ({ Status }) => Status === 'healthy');
  expect(well.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'fine\n' });
  expect((await docker('ps', '--filter', 'health=healthy', '--format', '{{.Status}}')).stdout).toMatch(/^Up .* \(healthy\)\n$/);
  await docker('exec', 'web', 'rm', '/tmp/well');
  const ill = await until('web', ({ Status }) => Status === 'unhealthy');
  expect(ill.FailingStreak).toBeGreaterThanOrEqual(2);
  expect(ill.Log.length).toBe(5);
  const events = async (...filters: string[]): Promise<string[]> =>
    (await docker('events', '--since', '1h', '--until', (Date.now() / 1000).toFixed(3), '--filter', 'container=web', ...filters, '--format', '{{.Action}}')).stdout.split('\n').filter(Boolean);
  expect(await events('--filter', 'event=health_status')).toEqual(['health_status: healthy', 'health_status: unhealthy']);
  const execs = await events();
  for (const action of ['exec_create: /bin/sh -c cat /tmp/well', 'exec_start: /bin/sh -c cat /tmp/well', 'exec_die']) expect(execs).toContain(action);
  await docker('stop', '-t', '0', 'web');
  expect((await health('web')).Status).toBe('unhealthy');
  await docker('start', 'web');
  expect((await health('web')).Status).toBe('starting');
  await docker('rm', '-f', 'web');
});

test('a probe that takes too long is killed, and long output is cut', async () => {
  await run('slow', '--health-cmd', 'echo begun; exec sleep 777', '--health-timeout', `${patience(200)}ms`, '--health-retries', '1');
  const Output = `Health check exceeded timeout (${goDuration(patience(0.2) * SECOND)}): begun\n`;
  expect((await until('slow', ({ Status }) => Status === 'unhealthy')).Log[0]).toMatchObject({ ExitCode: -1, Output });
  // Of those that began one at most goes on.
  const left = (await docker('exec', 'slow', 'sh', '-c', "ps | grep -c '[s]leep 777'")).stdout;
  expect(Number(left)).toBeLessThanOrEqual(1);
  await docker('rm', '-f', 'slow');
  await run('long', '--health-cmd', 'head -c 10000 /dev/zero | tr "\\0" x');
  expect((await until('long', ({ Status }) => Status === 'healthy')).Log[0]?.Output).toBe(`${'x'.repeat(4096)}...`);
  await docker('rm', '-f', 'long');
});

test("an image's check is taken, changed field by field, and switched off", async () => {
  const config = { Healthcheck: { Test: ['CMD', 'cat', '/etc/passwd'], Interval: 0.1 * SECOND, Retries: 7 } };
  const layers = [await tarOf(shellTree())];
  expect((await engine.docker(['load'], await imageArchive({ tag: 'checked', layers, config }))).code).toBe(0);
  await docker('run', '-d', '--name', 'own', '--network', 'none', '--health-timeout', `${patience(3)}s`, 'checked', 'sleep', '1000');
  expect((await until('own', ({ Status }) => Status === 'healthy')).Log[0]?.Output).toContain('sam:x:1234');
  expect(JSON.parse((await docker('inspect', '--format', '{{json .Config.Healthcheck}}', 'own')).stdout)).toEqual({ ...config.Healthcheck, Timeout: patience(3) * SECOND });
  await docker('run', '-d', '--name', 'off', '--network', 'none', '--no-healthcheck', 'checked', 'sleep', '1000');
  expect((await docker('inspect', '--format', '{{json .State.Health}} {{json .Config.Healthcheck.Test}}', 'off')).stdout).toBe('null ["NONE"]\n');
  await docker('rm', '-f', 'own', 'off');
});

test('wrong times are refused in dockerd\'s words', async () => {
  const refused = async (...options: string[]) => (await docker('create', '--health-cmd', 'true', ...options, 'busybox')).stderr;
  expect(await refused('--health-interval', '1us')).toContain('Interval in Healthcheck cannot be less than 1ms');
  expect(await refused('--health-start-interval', '1us')).toContain('StartInterval in Healthcheck cannot be less than 1ms');
  expect(await refused('--label', 'berth.restart=sometimes')).toContain('invalid label berth.restart=sometimes');
});

test('an unhealthy container starts again as often as its label says, and an image\'s label means nothing', async () => {
  await run('mended', '--health-cmd', 'false', '--health-retries', '1', '--label', 'berth.restart=unhealthy:2', '--stop-signal', 'KILL');
  const restarts = async (): Promise<string> => (await docker('inspect', '--format', '{{.RestartCount}} {{.State.Status}} {{.State.Health.Status}}', 'mended')).stdout;
  for (const deadline = Date.now() + patience(20_000); (await restarts()) !== '2 running unhealthy\n'; await sleep(20)) if (Date.now() > deadline) throw new Error(await restarts());
  const { Log } = await health('mended');
  await until('mended', (now) => now.Log.at(-1)?.Start !== Log.at(-1)?.Start);
  expect(await restarts()).toBe('2 running unhealthy\n');
  await docker('stop', '-t', '0', 'mended');
  expect(await restarts()).toBe('2 exited unhealthy\n');
  const labelled = await imageArchive({ tag: 'labelled', layers: [await tarOf(shellTree())], config: { Labels: { 'berth.restart': 'unhealthy' } } });
  await engine.docker(['load'], labelled);
  await docker('run', '-d', '--name', 'unmoved', '--network', 'none', '--health-interval', '50ms', '--health-retries', '1', '--health-cmd', 'false', 'labelled', 'sleep', '1000');
  await until('unmoved', ({ Status }) => Status === 'unhealthy');
  await until('unmoved', ({ FailingStreak }) => FailingStreak > 3);
  expect((await docker('inspect', '--format', '{{.RestartCount}}', 'unmoved')).stdout).toBe('0\n');
  await docker('rm', '-f', 'mended', 'unmoved');
});

test('checks go on when the engine was killed in the middle of one', async () => {
  await run('kept', '--health-cmd', 'echo $((n)); touch /tmp/begun; while [ -e /tmp/hold ]; do sleep 0.05; done', '--health-timeout', '1h');
  await until('kept', ({ Status }) => Status === 'healthy');
  await docker('exec', 'kept', 'sh', '-c', 'touch /tmp/hold; rm -f /tmp/begun; while ! [ -e /tmp/begun ]; do sleep 0.05; done');
  const before = (await health('kept')).Log.at(-1)?.Start ?? '';
  process.kill(engine.pid('engine') ?? 0, 'SIGKILL');
  await docker('exec', 'kept', 'true').catch(() => undefined);
  for (const deadline = Date.now() + patience(30_000); (await docker('exec', 'kept', 'rm', '-f', '/tmp/hold')).code !== 0; await sleep(50)) if (Date.now() > deadline) throw new Error('the engine is not back');
  await until('kept', ({ Log, Status }) => Status === 'healthy' && (Log.at(-1)?.Start ?? '') > before);
  await docker('rm', '-f', 'kept');
});

test('a check goes on and counts when the executor was killed in the middle of it; of one whose engine was killed, too, nothing is left', async () => {
  const check = 'n=; while [ -e /tmp/hold ]; do [ -n "$n" ] || echo $$ >> /tmp/begun; n=1; sleep 0.05; done; echo $$';
  await run('held', '--health-interval', '1s', '--health-cmd', check, '--health-timeout', '1h');
  /** The process of a check that has begun, and ends when it is let go. */
  const held = async (): Promise<string> =>
    (await docker('exec', 'held', 'sh', '-c', ': > /tmp/begun; touch /tmp/hold; while ! [ -s /tmp/begun ]; do sleep 0.05; done; head -n 1 /tmp/begun')).stdout.trim();
  /** Once they are back. */
  const script = async (text: string): Promise<string> => {
    for (const deadline = Date.now() + patience(30_000); ; await sleep(50)) {
      const { code, stdout, stderr } = await docker('exec', 'held', 'sh', '-c', text);
      if (code === 0) return stdout;
      if (Date.now() > deadline) throw new Error(stderr);
    }
  };
  const first = await held();
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  await script('rm /tmp/hold');
  const { Log } = await until('held', (now) => now.Log.some(({ Output }) => Output === `${first}\n`));
  expect(Log.find(({ Output }) => Output === `${first}\n`)?.ExitCode).toBe(0);
  const second = await held();
  for (const name of ['engine', 'executor'] as const) process.kill(engine.pid(name) ?? 0, 'SIGKILL');
  // The next one has begun, and the one before is gone.
  expect(await script(`[ $(wc -l < /tmp/begun) = 2 ] && ! kill -0 ${second} 2> /tmp/gone && tail -n 1 /tmp/begun`)).not.toBe(`${second}\n`);
  await script('rm /tmp/hold');
  await until('held', ({ Status }) => Status === 'healthy');
  // The log has what they came to, and nothing else of them.
  const told = new Map<string, number>();
  const store = await openLog(engine.settings);
  await store.replay(['berth.event.container.>', 'berth.event.exec.>', 'berth.event.task.>'], 0, ({ events }) => {
    for (const event of events as readonly { type: string; exec?: string | { id: string; args: readonly string[] }; config?: { args?: readonly string[] } }[]) {
      const { type, exec, config } = event;
      if (typeof exec === 'object' ? exec.args.includes(check) : config?.args?.includes(check)) told.set(type, (told.get(type) ?? 0) + 1);
    }
  });
  await store.close();
  expect([...told.keys()]).toEqual(['HealthProbed']);
  await docker('rm', '-f', 'held');
}, patience(90_000));

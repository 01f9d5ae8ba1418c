import { startEngine, type TestEngine } from '../engine/engine.js';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Driver } from './scenario.js';
import { differencesAtRest, until } from './settled.js';

const CLIENTS = 3;
const VICTIMS = ['engine', 'executor', 'zygote', 'nats', 'supervisor', 'all'] as const;
const LONGEST_PAUSE_MS = 2_000;

/** A sequence that its seed repeats, as far as the machine's own timing lets it (Lehmer's generator). */
export function randomOf(seed: number): () => number {
  let state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Clients create, start, run execs in, stop and remove containers while processes of the engine are killed at random moments. Answers what was not as it should be. */
export async function randomKills(seed: number, minutes: number, tell: (line: string) => void, interrupted: AbortSignal): Promise<readonly string[]> {
  const engine = await startEngine();
  const failures: string[] = [];
  try {
    await engine.loadBusybox();
    const driver = new Driver(engine, interrupted);
    await driver.create('witness', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done');
    await driver.start('witness');
    const end = Date.now() + minutes * 60_000;
    const random = randomOf(seed);
    const killing = killer(engine, random, end, tell, interrupted);
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(driver, index, randomOf(seed + index + 1), end, failures)));
    await Promise.all([killing.then(() => interrupted.throwIfAborted()), clients]);
    await isUp(engine, driver);
    for (const difference of await differencesAtRest(engine.settings, 60_000)) failures.push(difference);
    failures.push(...(await wholeLog(driver, 'witness', 1)));
  } catch (error) {
    failures.push(`it was cut short: ${String(error)}`);
  }
  await isUp(engine, new Driver(engine)).catch((error: unknown) => failures.push(String(error)));
  await engine.stop().catch((error: unknown) => failures.push(String(error)));
  return failures;
}

async function killer(engine: TestEngine, random: () => number, end: number, tell: (line: string) => void, interrupted: AbortSignal): Promise<void> {
  while (Date.now() < end && !interrupted.aborted) {
    await sleep(random() * LONGEST_PAUSE_MS);
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'engine';
    tell(`killed: ${victim}`);
    if (victim === 'all') {
      await engine.down();
      await engine.up();
      continue;
    }
    const pid = victim === 'zygote' ? zygoteOf(engine.pid('executor')) : engine.pid(victim);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    if (victim === 'supervisor') await until('the supervisor is gone', () => engine.pid('supervisor') === undefined).then(() => engine.up());
  }
}

function zygoteOf(executor: number | undefined): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.includes('(berth-zygote)') && stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(executor);
    } catch {
      return false;
    }
  });
  return found === undefined ? undefined : Number(found);
}

/** One container after another under one name, so that every removal must give the name back. */
async function client(driver: Driver, index: number, random: () => number, end: number, failures: string[]): Promise<void> {
  const name = `client-${index}`;
  for (let round = 1; Date.now() < end; round++) {
    const code = 1 + Math.floor(random() * 100);
    const lines = 1 + Math.floor(random() * 400);
    const last = random() < 0.5 ? 'exit' : 'stop';
    const script = last === 'exit' ? `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; done; exit ${code}` : `trap "exit ${code}" TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done`;
    const what = `${name}, round ${round} (${last} ${code})`;
    try {
      await insist(() => driver.create(name, script, random() < 0.5 ? { NetworkMode: 'none' } : { PortBindings: { '80/tcp': [{ HostPort: '' }] } }, random() < 0.3 ? { Volumes: { '/data': {} } } : {}));
      // A start whose answer was lost is asked for again; of a container that has ended by then, that is another run.
      let starts = 0;
      await insist(() => (starts++, driver.start(name)));
      if (last === 'stop') {
        await until(`${what}: has set its trap`, async () => (await driver.logs(name)) !== '', 90_000);
        await insist(() => driver.call('POST', `/containers/${name}/exec`, { Cmd: ['true'] }).then((text) => driver.call('POST', `/exec/${(JSON.parse(text) as { Id: string }).Id}/start`, { Detach: true })));
        await insist(() => driver.call('POST', `/containers/${name}/stop?t=20`, undefined, [304]));
      }
      let exitCode: number | undefined;
      await until(
        `${what}: has exited`,
        async () => {
          const { Status, ExitCode } = await driver.state(name);
          exitCode = ExitCode;
          return Status === 'exited';
        },
        90_000,
      );
      if (exitCode !== code) failures.push(`${what}: its exit code is ${exitCode}`);
      await insist(async () => {
        const wrong = await wholeLog(driver, name, starts, last === 'exit' ? lines : undefined);
        failures.push(...wrong.map((text) => `${what}: ${text}`));
        return '';
      });
      await insist(() => driver.remove(name));
    } catch (error) {
      failures.push(`${what}: ${inspect(error)}\n${await tellOf(driver, name)}`);
      await insist(() => driver.remove(name)).catch(() => '');
    }
  }
  await insist(() => driver.remove(name));
}

/** What the engine says of a container with which something is wrong, for whoever has to find out why. */
async function tellOf(driver: Driver, name: string): Promise<string> {
  const answers = [`/containers/${name}/json`, `/berth/history/${name}`].map((path) => driver.call('GET', path).catch(String));
  return (await Promise.all(answers)).join('\n');
}

/** As a client would: what was cut off or refused for now is asked again. */
async function insist<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

async function isUp(engine: TestEngine, driver: Driver): Promise<void> {
  if (engine.pid('supervisor') === undefined) await engine.up();
  await until('the engine answers', async () => (await driver.call('GET', '/info')) !== '', 60_000);
}

/** Every line of each run once and in its order, of at most so many runs; the last has `count` lines. */
async function wholeLog(driver: Driver, name: string, mostRuns: number, count?: number): Promise<readonly string[]> {
  const lines = (await driver.logs(name)).trim().split('\n');
  let runs = 0;
  let previous = 0;
  for (const [index, line] of lines.entries()) {
    if (line === '1') runs++;
    else if (Number(line) !== previous + 1) return [`line ${index + 1} of its log is "${line}", after "${previous}"`];
    previous = Number(line);
  }
  if (runs > mostRuns) return [`its log tells of ${runs} runs, and it was started ${mostRuns} times at most`];
  return count !== undefined && previous !== count ? [`the last run in its log has ${previous} lines, not ${count}`] : [];
}

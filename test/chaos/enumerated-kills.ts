import { startEngine, type TestEngine } from '../engine/engine.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failpoints, type Killed } from './failpoints.js';
import { Driver, type Scenario } from './scenario.js';
import { secondImageArchive, SecondImageRegistry } from './second-image.js';
import { differencesAtRest, until } from './settled.js';

/** A bound against a scenario that would never end: none meets as many failpoints. */
const MOST_FAILPOINTS = 200;

export interface Outcome {
  readonly scenario: string;
  readonly killed: Killed;
  /** Where it crashed, in order: one name a run. */
  readonly places: readonly string[];
  /** What was not as it should be, in sentences; none: all is well. */
  readonly failures: readonly string[];
}

/** An engine whose failpoints can be armed, with a container that runs on through all of it. */
export class KillBench {
  private constructor(
    readonly engine: TestEngine,
    readonly driver: Driver,
    readonly failpoints: Failpoints,
    private readonly tell: (line: string) => void,
  ) {}

  static async start(tell: (line: string) => void, interrupted?: AbortSignal): Promise<KillBench> {
    const orders = `/var/tmp/berth-orders-${process.pid}`;
    const failpoints = new Failpoints(orders);
    const engine = await startEngine({ BERTH_FAILPOINT_ORDERS: orders });
    const bench = new KillBench(engine, new Driver(engine, interrupted), failpoints, tell);
    await engine.loadBusybox();
    writeFileSync(join(engine.settings.dataRoot, 'second.tar'), await secondImageArchive());
    bench.driver.registry = await SecondImageRegistry.start();
    await bench.driver.create('witness', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done');
    await bench.driver.start('witness');
    return bench;
  }

  /** Crashes at the first failpoint that `scenario` meets in one process, then at the second, until a run meets none. */
  async enumerate(scenario: Scenario, killed: Killed, every = 1): Promise<Outcome> {
    const places: string[] = [];
    const failures: string[] = [];
    for (let nth = 1; nth <= MOST_FAILPOINTS; nth += every) {
      const place = await this.round(scenario, killed, nth, failures);
      if (place === undefined) break;
      places.push(place);
    }
    return { scenario: scenario.name, killed, places, failures };
  }

  private async round(scenario: Scenario, killed: Killed, nth: number, failures: string[]): Promise<string | undefined> {
    await scenario.prepare?.(this.driver);
    const pid = await this.failpoints.arm(this.engine, killed, nth);
    let cut: unknown;
    await scenario.act(this.driver).catch((error: unknown) => (cut = error));
    await this.failpoints.disarm(this.engine, killed, pid);
    const place = this.failpoints.crashedAt(pid);
    const where = `${scenario.name}: ${killed} killed at ${nth}, ${place ?? 'nowhere'}`;
    this.tell(where);
    if (place === undefined && cut !== undefined) failures.push(`${where}: ${String(cut)}`);
    if (place === undefined) this.tell(`${scenario.name}: all that ${killed} meets: ${this.failpoints.met(pid)}`);
    const fails = (what: string) => (error: unknown) => void failures.push(`${where}: ${what}: ${String(error)}`);
    await this.isUp(killed, pid, place !== undefined).catch(fails('it does not come back'));
    for (const difference of await differencesAtRest(this.engine.settings)) failures.push(`${where}: ${difference}`);
    await scenario.act(this.driver).catch(fails('done again'));
    await scenario.check?.(this.driver).catch(fails('afterwards'));
    for (const difference of await differencesAtRest(this.engine.settings)) failures.push(`${where}: done again: ${difference}`);
    await scenario.clean(this.driver).catch(fails('cleaning up'));
    return place;
  }

  private async isUp(killed: Killed, pid: number, crashed: boolean): Promise<void> {
    if (crashed) await until(`${killed} is back`, () => ![undefined, pid].includes(this.engine.pid(killed)));
    await until('the engine answers', async () => (await this.driver.call('GET', '/containers/json')) !== '' && (await this.driver.call('GET', '/info')) !== '');
  }

  /** The container that ran through it all has every line in its log, once and in order. Removes everything. */
  async close(): Promise<readonly string[]> {
    const failures: string[] = [];
    try {
      await until('the engine answers', async () => (await this.engine.docker(['info'])).code === 0);
      const lines = (await this.driver.logs('witness')).trim().split('\n');
      const wrong = lines.findIndex((line, index) => line !== String(index + 1));
      if (wrong >= 0) failures.push(`line ${wrong + 1} of the log of what ran on is "${lines[wrong] ?? ''}"`);
      const attached = await this.engine.docker(['exec', 'witness', 'echo', 'here']);
      if (attached.stdout !== 'here\n') failures.push(`what ran on takes no exec any more: ${attached.stderr}`);
    } catch (error) {
      failures.push(String(error));
    } finally {
      await this.engine.stop().catch((error: unknown) => failures.push(String(error)));
      this.failpoints.remove();
      await this.driver.registry?.close();
    }
    return failures;
  }
}

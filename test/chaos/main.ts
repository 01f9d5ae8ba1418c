import { parseArgs } from 'node:util';
import { KillBench } from './enumerated-kills.js';
import { randomKills } from './random-kills.js';
import { scenarios } from './scenarios.js';

/**
 * `npm run chaos`: every scenario, killed at every failpoint; with --seed or --minutes, random kills under load instead. --scenario takes several, by commas. Ends with 1 where anything was
 * not as it should be.
 */
const { values } = parseArgs({ options: { scenario: { type: 'string' }, killed: { type: 'string' }, seed: { type: 'string' }, minutes: { type: 'string' } } });

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));

/** Ends with what was found until then when it is interrupted; the engine goes either way. */
async function enumerated(): Promise<readonly string[]> {
  const failures: string[] = [];
  const bench = await KillBench.start((line) => console.log(line), interruption.signal);
  const interrupted = new Promise<never>((_, reject) => interruption.signal.addEventListener('abort', () => reject(interruption.signal.reason as Error), { once: true }));
  try {
    await Promise.race([interrupted, everyScenario(bench, failures)]);
  } catch (error) {
    failures.push(String(error));
  }
  failures.push(...(await bench.close()));
  return failures;
}

async function everyScenario(bench: KillBench, failures: string[]): Promise<void> {
  let kills = 0;
  for (const scenario of scenarios.filter(({ name }) => values.scenario === undefined || values.scenario.split(',').includes(name))) {
    for (const killed of (['executor', 'engine'] as const).filter((name) => values.killed === undefined || values.killed === name)) {
      const outcome = await bench.enumerate(scenario, killed);
      kills += outcome.places.length;
      for (const failure of outcome.failures) console.log(`FAILED ${failure}`);
      failures.push(...outcome.failures);
    }
  }
  console.log(`${kills} kills`);
}

function random(): Promise<readonly string[]> {
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  console.log(`random kills: --seed ${seed} --minutes ${values.minutes ?? 1}`);
  return randomKills(seed, Number(values.minutes ?? 1), (line) => console.log(line), interruption.signal);
}

const failures = await (values.seed !== undefined || values.minutes !== undefined ? random() : enumerated());
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? 'nothing leaked, nothing was lost' : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);

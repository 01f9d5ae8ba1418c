import { openLog } from '../engine/operator-log.js';
import { parseArguments } from './arguments.js';
import { compare, type Row, rowOf } from './comparison.js';
import { type OpenField, openField } from './field.js';
import { FULL, programOf, QUICK } from './program.js';
import { table } from './table.js';
import { life } from './work.js';

/** Berth and its peers on one machine, the same image, the same requests, in turn. What people read on the way goes to stderr. */
async function main(): Promise<void> {
  const options = parseArguments(process.argv.slice(2));
  const preset = options.quick ? QUICK : FULL;
  const sizes = { ...preset, lives: options.lives ?? preset.lives };
  const program = programOf(sizes).filter(({ word }) => options.only.length === 0 || options.only.includes(word));
  if (program.length < Math.max(1, options.only.length)) throw new Error(`--only takes some of ${programOf(sizes).map(({ word }) => word).join(',')}, not ${options.only.join(',')}`);
  const seconds = 20 + program.reduce((sum, part) => sum + part.seconds, 0);
  console.error(`measuring: about ${seconds < 180 ? `${Math.ceil(seconds / 10) * 10} s` : `${Math.ceil(seconds / 60)} min`} on a quiet machine`);

  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));
  await using field = await openField(process.env, options.peers);
  for (const reason of field.absent) console.error(`not measured: ${reason}`);
  const shown = (rows: readonly Row[]): string => (options.json ? JSON.stringify({ sizes, absent: field.absent, rows }, (key, value: unknown) => (key === 'goal' ? (value as { readonly text: string }).text : value), 2) : table(rows));
  const rows: Row[] = [];
  // What was measured before it was ended, or before a part failed, is shown all the same.
  using _shown = { [Symbol.dispose]: () => console.log(shown(rows)) };
  for (const { word, rounds, warmUp, turns } of program) {
    const began = performance.now();
    rows.push(...(await compare(turns(field), { rounds, ...(warmUp === undefined ? {} : { warmUp }) }, stop.signal)));
    console.error(`${word}: ${((performance.now() - began) / 1e3).toFixed(0)} s`);
  }
  rows.push(...(await aboveTheFloor(rows, field)));
}

/** How a life on the bridge compares with what no engine can save: the kernel's work, and an fsync for each of its commits. */
async function aboveTheFloor(rows: readonly Row[], { berth, engine }: OpenField): Promise<Row[]> {
  const figure = (name: string, who: string): number | undefined => rows.find((row) => row.name === name)?.medians[who];
  const whole = figure('bridge: sum', 'berth');
  const floor = figure('none: sum', 'bare C');
  const append = figure('append, one by one', 'berth');
  if (whole === undefined || floor === undefined || append === undefined) return [];
  const commits = await commitsOf(engine, () => life('bridge')(berth));
  return [rowOf('bridge: commits, number', { berth: commits }), rowOf('bridge: times the bare C figure and its appends, ×', { berth: whole / (floor + commits * append) })];
}

async function commitsOf(engine: OpenField['engine'], work: () => Promise<unknown>): Promise<number> {
  const log = await openLog(engine.settings);
  try {
    const before = await log.lastPosition();
    await work();
    return (await log.lastPosition()) - before;
  } finally {
    await log.close();
  }
}

main().catch((error: unknown) => {
  for (const one of allOf(error)) console.error(one);
  process.exitCode = 1;
});

/** What failed, and what failed when everything was put away after that. */
function allOf(error: unknown): readonly unknown[] {
  return error instanceof SuppressedError ? [...allOf(error.suppressed), ...allOf(error.error)] : [error];
}

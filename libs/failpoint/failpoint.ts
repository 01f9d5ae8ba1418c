import { unavailable } from '#libs/errors/errors.js';

/**
 * Named places where a test can make this process crash, fail or wait: `BERTH_FAILPOINTS="append.after=crash,start.prepared@2=error"`.
 * Actions: `crash` (SIGKILL of this process: nothing is flushed), `error` (throws unavailable), `delay:<milliseconds>`.
 * `name@N` acts at the Nth hit only, counted from 1; without it, at every hit. A test that crashes at each name in turn learns the names from `metFailpoints`.
 */
interface Armed {
  readonly action: string;
  readonly nth: number | undefined;
}

let armed: ReadonlyMap<string, readonly Armed[]> | undefined;
const hits = new Map<string, number>();
const off = Promise.resolve();

/** Replaces what is armed; `undefined` switches all off. Throws on text that is no list of failpoints. */
export function armFailpoints(specification: string | undefined): void {
  hits.clear();
  armed = specification === undefined || specification === '' ? undefined : parse(specification);
}

/** The names met since failpoints were armed, with how often. An armed list of `record` alone records and does nothing else. */
export function metFailpoints(): ReadonlyMap<string, number> {
  return hits;
}

/** One place. Costs one comparison when none is armed. */
export function failpoint(name: string): Promise<void> {
  return armed === undefined ? off : meet(name, armed);
}

async function meet(name: string, points: ReadonlyMap<string, readonly Armed[]>): Promise<void> {
  const hit = (hits.get(name) ?? 0) + 1;
  hits.set(name, hit);
  for (const { action, nth } of points.get(name) ?? []) {
    if (nth !== undefined && nth !== hit) continue;
    if (action === 'crash') process.kill(process.pid, 'SIGKILL');
    else if (action === 'error') throw unavailable(`failpoint ${name}, hit ${hit}`);
    await new Promise((resolve) => setTimeout(resolve, action === 'crash' ? 60_000 : Number(action.slice('delay:'.length))));
  }
}

function parse(specification: string): ReadonlyMap<string, readonly Armed[]> {
  const points = new Map<string, Armed[]>();
  for (const part of specification.split(/[,;]/).map((text) => text.trim())) {
    if (part === '' || part === 'record') continue;
    const match = /^(?<name>[\w.-]+)(?:@(?<nth>[1-9]\d*))?=(?<action>crash|error|delay:\d+)$/.exec(part);
    if (!match?.groups) throw new Error(`BERTH_FAILPOINTS: "${part}" is not name[@N]=crash|error|delay:<ms>`);
    const { name, nth, action } = match.groups;
    const list = points.get(name!) ?? [];
    list.push({ action: action!, nth: nth === undefined ? undefined : Number(nth) });
    points.set(name!, list);
  }
  return points;
}

armFailpoints(process.env['BERTH_FAILPOINTS']);

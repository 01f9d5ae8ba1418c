import { unavailable } from '#libs/errors/errors.js';
import { takeOrdersFrom } from './failpoint-orders.js';

/**
 * Named places where a test can make this process crash, fail or wait: `BERTH_FAILPOINTS="append.after=crash,start.prepared@2=error"`.
 * Actions: `crash` (SIGKILL of this process: nothing is flushed), `error` (throws unavailable), `delay:<milliseconds>`.
 * `name@N` acts at the Nth hit only, counted from 1; without it, at every hit. `*` stands for any name, its hits counted together: a test that crashes
 * at `*@1`, then `*@2`, until a run meets none, has crashed at each place. `BERTH_FAILPOINT_ORDERS`, a directory: see failpoint-orders.ts.
 */
interface Armed {
  readonly action: string;
  readonly nth: number | undefined;
}

const ANY = '*';

let armed: ReadonlyMap<string, readonly Armed[]> | undefined;
let onCrash: (name: string) => void = () => undefined;
const hits = new Map<string, number>();
let allHits = 0;
const off = Promise.resolve();

/** Replaces what is armed; `undefined` switches all off. Throws on text that is no list of failpoints. */
export function armFailpoints(specification: string | undefined): void {
  hits.clear();
  allHits = 0;
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
  const anyHit = ++allHits;
  await act(name, hit, points.get(name) ?? []);
  await act(name, anyHit, points.get(ANY) ?? []);
}

async function act(name: string, hit: number, list: readonly Armed[]): Promise<void> {
  for (const { action, nth } of list) {
    if (nth !== undefined && nth !== hit) continue;
    if (action === 'crash') {
      onCrash(name);
      process.kill(process.pid, 'SIGKILL');
    } else if (action === 'error') throw unavailable(`failpoint ${name}, hit ${hit}`);
    await new Promise((resolve) => setTimeout(resolve, action === 'crash' ? 60_000 : Number(action.slice('delay:'.length))));
  }
}

function parse(specification: string): ReadonlyMap<string, readonly Armed[]> {
  const points = new Map<string, Armed[]>();
  for (const part of specification.split(/[,;]/).map((text) => text.trim())) {
    if (part === '' || part === 'record') continue;
    const match = /^(?<name>\*|[\w.-]+)(?:@(?<nth>[1-9]\d*))?=(?<action>crash|error|delay:\d+)$/.exec(part);
    if (!match?.groups) throw new Error(`BERTH_FAILPOINTS: "${part}" is not name[@N]=crash|error|delay:<ms>`);
    const { name, nth, action } = match.groups;
    const list = points.get(name!) ?? [];
    list.push({ action: action!, nth: nth === undefined ? undefined : Number(nth) });
    points.set(name!, list);
  }
  return points;
}

/** Whether this process may ever be armed from outside: what cannot be reached by one comparison asks this first. */
export const failpointsAreUsed = Boolean(process.env['BERTH_FAILPOINTS'] || process.env['BERTH_FAILPOINT_ORDERS']);

armFailpoints(process.env['BERTH_FAILPOINTS']);
const orders = process.env['BERTH_FAILPOINT_ORDERS'];
if (orders) onCrash = takeOrdersFrom(orders, armFailpoints, metFailpoints);

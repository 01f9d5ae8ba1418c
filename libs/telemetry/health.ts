import { errorMessage } from '#libs/errors/errors.js';
import { sharedAnswer } from './shared-answer.js';
import type { TelemetryAnswer, TelemetryRoute } from './telemetry-server.js';

/** Whether one condition holds: nothing, or what is wrong in a sentence. Cheap: it is asked each time somebody looks. */
export type Check = () => string | undefined | Promise<string | undefined>;

/**
 * What makes each service of a process able to work, by name. /healthz tells whether the process is worth keeping: it answers, and nothing has broken
 * that only a restart mends. /readyz tells whether it can do its work now. Each also for one service: /readyz/containers.
 */
export class Health {
  private readonly services = new Map<string, { readonly ready: Map<string, Check>; readonly alive: Map<string, Check> }>();
  private readonly elsewhere: Elsewhere[] = [];

  constructor(private readonly routes: Map<string, TelemetryRoute>) {
    routes.set('/healthz', sharedAnswer(() => this.report('alive', [...this.services.keys()], this.elsewhere)));
    routes.set('/readyz', sharedAnswer(() => this.report('ready', [...this.services.keys()], this.elsewhere)));
  }

  /** `alive` conditions make a service unready, too; `remarks` stand beside the others, as "ok: " and a sentence, and make nothing fail. A name given again replaces its checks. */
  add(service: string, ready: Readonly<Record<string, Check>>, alive: Readonly<Record<string, Check>> = {}, remarks: Readonly<Record<string, Check>> = {}): void {
    const remarked = Object.entries(remarks).map(([name, remark]) => [name, asRemark(remark)] as const);
    this.services.set(service, { ready: new Map([...Object.entries({ ...alive, ...ready }), ...remarked]), alive: new Map(Object.entries(alive)) });
    this.routes.set(`/healthz/${service}`, sharedAnswer(() => this.report('alive', [service])));
    this.routes.set(`/readyz/${service}`, sharedAnswer(() => this.report('ready', [service])));
  }

  /** Services of another process of this engine: what that says of them stands here, too. `ask`: its answer at a path, as "/readyz". */
  addElsewhere(process: string, services: readonly string[], ask: Elsewhere['ask']): void {
    this.elsewhere.push({ process, services, ask });
    for (const page of ['/healthz', '/readyz']) for (const service of services) this.routes.set(`${page}/${service}`, sharedAnswer(() => ask(`${page}/${service}`)));
  }

  private async report(what: 'ready' | 'alive', names: readonly string[], elsewhere: readonly Elsewhere[] = []): Promise<TelemetryAnswer> {
    const here = names.map(async (name): Promise<Found[]> => [[name, await ask(this.services.get(name)?.[what])]]);
    const there = elsewhere.map((process) => askElsewhere(process, what === 'ready' ? '/readyz' : '/healthz'));
    const services = (await Promise.all([...here, ...there])).flat();
    const ok = services.every(([, checks]) => Object.values(checks).every((found) => found === 'ok' || found.startsWith(REMARK)));
    return { status: ok ? 200 : 503, contentType: 'application/json', body: `${JSON.stringify({ status: ok ? 'ok' : 'failing', services: Object.fromEntries(services) })}\n` };
  }
}

const REMARK = 'ok: ';

const asRemark = (remark: Check): Check => async () => {
  const found = await remark();
  return found === undefined ? undefined : `${REMARK}${found}`;
};

/** What a service's checks found, by name. */
type Found = readonly [service: string, checks: Readonly<Record<string, string>>];

interface Elsewhere {
  readonly process: string;
  readonly services: readonly string[];
  readonly ask: (path: string) => Promise<TelemetryAnswer>;
}

/** One that does not answer can do nothing. */
async function askElsewhere({ process, services, ask }: Elsewhere, path: string): Promise<Found[]> {
  try {
    const { services: found } = JSON.parse(String((await ask(path)).body)) as { readonly services: Readonly<Record<string, Record<string, string>>> }; // `report` wrote it
    return Object.entries(found);
  } catch (error) {
    return services.map((service) => [service, { process: `${process} does not answer: ${errorMessage(error)}` }]);
  }
}

async function ask(checks: ReadonlyMap<string, Check> | undefined): Promise<Record<string, string>> {
  const found = await Promise.all([...(checks ?? [])].map(async ([name, check]) => [name, (await safely(check)) ?? 'ok'] as const));
  return Object.fromEntries(found);
}

async function safely(check: Check): Promise<string | undefined> {
  try {
    return await check();
  } catch (error) {
    return errorMessage(error);
  }
}

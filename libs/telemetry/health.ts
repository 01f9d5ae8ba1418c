import type { TelemetryAnswer, TelemetryRoute } from './telemetry-server.js';

/** Whether one condition holds: nothing, or what is wrong in a sentence. Cheap: it is asked each time somebody looks. */
export type Check = () => string | undefined | Promise<string | undefined>;

/**
 * What makes each service of a process able to work, by name. /healthz tells whether the process is worth keeping: it answers, and nothing has broken
 * that only a restart mends. /readyz tells whether it can do its work now. Each also for one service: /readyz/containers.
 */
export class Health {
  private readonly services = new Map<string, { readonly ready: Map<string, Check>; readonly alive: Map<string, Check> }>();

  constructor(private readonly routes: Map<string, TelemetryRoute>) {
    routes.set('/healthz', () => this.report('alive', [...this.services.keys()]));
    routes.set('/readyz', () => this.report('ready', [...this.services.keys()]));
  }

  /** `alive` conditions make a service unready, too. A name given again replaces its checks. */
  add(service: string, ready: Readonly<Record<string, Check>>, alive: Readonly<Record<string, Check>> = {}): void {
    this.services.set(service, { ready: new Map(Object.entries({ ...alive, ...ready })), alive: new Map(Object.entries(alive)) });
    this.routes.set(`/healthz/${service}`, () => this.report('alive', [service]));
    this.routes.set(`/readyz/${service}`, () => this.report('ready', [service]));
  }

  private async report(what: 'ready' | 'alive', names: readonly string[]): Promise<TelemetryAnswer> {
    const services = await Promise.all(names.map(async (name) => [name, await ask(this.services.get(name)?.[what])] as const));
    const ok = services.every(([, checks]) => Object.values(checks).every((found) => found === 'ok'));
    return { status: ok ? 200 : 503, contentType: 'application/json', body: `${JSON.stringify({ status: ok ? 'ok' : 'failing', services: Object.fromEntries(services) })}\n` };
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
    return error instanceof Error ? error.message : String(error);
  }
}

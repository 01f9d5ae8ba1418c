/** The unprivileged services, in the order they start in: each needs those before it, and the gateway lets clients in. */
export const SERVICES = ['volumes', 'images', 'networks', 'containers', 'gateway'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** What tells which processes an engine consists of. */
export interface Arrangement {
  /** Services that are processes of their own; the others share the process "engine". In the order of `SERVICES`. */
  readonly apart: readonly ServiceName[];
  /** Whether nats-server is a child of this engine, or was there already. */
  readonly natsEmbedded: boolean;
}

/** BERTH_APART: names, separated by commas, or "all". Throws for a name that is no service's. */
export function readApart(text: string): readonly ServiceName[] {
  if (!text) return [];
  if (text === 'all') return SERVICES;
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) if (!SERVICES.some((service) => service === name)) throw new Error(`BERTH_APART=${text}: "${name}" is none of ${SERVICES.join(', ')}; or all`);
  return SERVICES.filter((service) => names.includes(service));
}

/** The services of each unprivileged process, by the process's name, in the order that processes start in. */
export function serviceProcesses({ apart }: Pick<Arrangement, 'apart'>): ReadonlyMap<string, readonly ServiceName[]> {
  const together = SERVICES.filter((service) => !apart.includes(service));
  const alone = apart.map((service): [string, ServiceName[]] => [service, [service]]);
  if (together.length === 0) return new Map(alone);
  // The gateway comes last, in whichever process it is.
  return new Map(together.includes('gateway') ? [...alone, ['engine', together]] : [['engine', together], ...alone]);
}

/** All processes of an engine but its supervisor, in the order they start in. */
export function processNames(arrangement: Arrangement): string[] {
  return [...(arrangement.natsEmbedded ? ['nats'] : []), 'executor', ...serviceProcesses(arrangement).keys()];
}

/** The process that holds a service. */
export const processWith = ({ apart }: Pick<Arrangement, 'apart'>, service: ServiceName): string => (apart.includes(service) ? service : 'engine');

/** The process that clients and Prometheus speak with. */
export function frontProcess(arrangement: Pick<Arrangement, 'apart'>): string {
  return processWith(arrangement, 'gateway');
}

/** Where a service keeps what can be made anew from the log: snapshots, and the gateway's chapters. */
export const stateFolder = (settings: { readonly dataRoot: string }, service: ServiceName): string => `${settings.dataRoot}/state/${service}`;

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROXY_VARIABLES, TRUST_VARIABLES } from '#libs/settings/proxies.js';
import { readyFile } from '#libs/settings/run-root.js';
import { frontProcess, serviceProcesses } from '#libs/settings/services.js';
import { type SupervisorSettings, settingsEnvironment } from '../settings.js';
import type { Account, Accounts } from './account.js';
import type { ServiceSpec } from './service.js';

export interface Installation {
  /** The repository: dist/ and node_modules/ are below it. */
  readonly root: string;
  /** The Node that services run on. */
  readonly node: string;
  readonly natsServer: string;
}

/**
 * Flags that keep an idle Node small: its young generation grows to 48 MiB otherwise. With 4 MiB lives of containers take a fortieth less, and ten thousand of them leave more than there is room for.
 * So little is gone through by the thread that fills it: to wake four others for it, and to wait for them, takes longer than the work.
 *
 * The old generation is gone through once it has grown by a quarter (8 MiB at least), and for the first time at 24 MiB, which is about what a service needs. V8 would wait
 * for twice that: what two thousand containers had left behind was looked for only then, and a process never gives back all that it once had.
 */
const SMALL_HEAP = ['--max-semi-space-size=2', '--no-parallel-scavenge', '--initial-old-space-size=24', '--heap-growing-percent=25'];

export const natsConfigPath = (settings: SupervisorSettings): string => join(settings.runRoot, 'nats.conf');

/** The processes in the order they start in; they stop in the opposite one. `apiSocket`: a descriptor that listens already. */
export function serviceTable(settings: SupervisorSettings, installation: Installation, accounts: Accounts, apiSocket?: number): readonly ServiceSpec[] {
  const environment = {
    ...settingsEnvironment(settings),
    ...passedOn(process.env),
    BERTH_NATS_UID: settings.natsEmbedded ? String(accounts.nats.uid) : '',
    BERTH_STARTED_AT: new Date().toISOString(),
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    // One arena for malloc(3), and a garbage collector that waits for less: what ten thousand containers left in corners would not come back otherwise.
    MALLOC_ARENA_MAX: '1',
    // No limit (GOMEMLIMIT): nats-server keeps some 400 bytes of each subject, of which a container has four, and close to a limit it does nothing but look for garbage.
    GOGC: '40',
    // nats-server appends one commit after the other, and waits for the disk in between: more of its threads would but wake one another, and look for work.
    GOMAXPROCS: '1',
  };
  const spec = (name: string, command: readonly string[], stopTimeoutMs: number): ServiceSpec => ({
    name,
    command,
    environment,
    directory: '/',
    logFile: join(settings.dataRoot, 'logs', `${name}.log`),
    pidFile: join(settings.runRoot, 'pids', name),
    readyFile: readyFile(settings, name),
    stopTimeoutMs,
  });
  const nats = spec('nats', [...asUser(accounts.nats), installation.natsServer, '-c', natsConfigPath(settings)], 10_000);
  const program = (name: string, place: Place, stopTimeoutMs: number): ServiceSpec => {
    const plain = spec(name, [...place.entered, place.node, ...SMALL_HEAP, join(place.root, `dist/bundled/services/${name}.js`)], stopTimeoutMs);
    return { ...plain, environment: { ...plain.environment, ...compiledCode(installation.root, place.root) } };
  };
  const executor = program('executor', { ...installation, entered: [] }, 10_000);
  const services = Array.from(accounts.services, ([name, account]): ServiceSpec => {
    const plain = withProxies(program(name, placeFor(account, settings, installation), 15_000), settings);
    // One port shows the whole engine; the others are asked over their sockets.
    if (name !== frontProcess(settings)) return { ...plain, environment: { ...plain.environment, BERTH_METRICS_PORT: '0' } };
    return apiSocket === undefined ? plain : { ...plain, passed: apiSocket, environment: { ...plain.environment, BERTH_SOCKET_FD: '3' } };
  });
  return settings.natsEmbedded ? [nats, executor, ...services] : [executor, ...services];
}

/** Where a process finds the installation, and what makes it its user's and has it find it there. */
interface Place extends Pick<Installation, 'root' | 'node'> {
  readonly entered: readonly string[];
}

/**
 * A process of services is an unprivileged user's. A clone below a private folder, as /root, cannot be read by that user: the process then sees the
 * repository through a bind mount in a mount namespace of its own. Slave propagation: the namespace must not hold containers' mounts.
 */
function placeFor(account: Account, { dataRoot }: SupervisorSettings, { root, node }: Installation): Place {
  const entered = asUser(account);
  if (succeeds([...entered, 'test', '-x', node, '-a', '-r', join(root, 'dist/services/engine/settings.js')])) return { root, node, entered };
  const app = join(dataRoot, 'app');
  const bound = ['unshare', '--mount', '--propagation', 'slave', '/bin/sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', root, app];
  return { root: app, node: join(app, node.slice(root.length)), entered: [...bound, ...entered] };
}

/** What V8 made of the bundles (compiled-code.mjs) lies beside them, and is as good as they are: of whoever wrote both. "Portable" is for all users, and wherever they see it. */
function compiledCode(root: string, seenAt: string): Readonly<Record<string, string>> {
  const folder = 'dist/bundled/compiled';
  return existsSync(join(root, folder)) ? { NODE_COMPILE_CACHE: join(seenAt, folder), NODE_COMPILE_CACHE_PORTABLE: '1' } : {};
}

function asUser(account: Account): string[] {
  return ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--inh-caps=-all', '--no-new-privs'];
}

function succeeds(command: readonly string[]): boolean {
  const [program, ...args] = command;
  return program !== undefined && spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Images asks registries by this environment's proxies and believes the machine's CAs; the gateway shows the proxies in `docker info`. No other process gets them: they may have passwords. */
function withProxies(spec: ServiceSpec, settings: SupervisorSettings): ServiceSpec {
  const held = serviceProcesses(settings).get(spec.name) ?? [];
  if (!held.includes('images') && !held.includes('gateway')) return spec;
  const rows = [...PROXY_VARIABLES, ...TRUST_VARIABLES].flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  return { ...spec, environment: { ...spec.environment, NODE_USE_SYSTEM_CA: '1', ...Object.fromEntries(rows) } };
}

/** Further settings of services (BERTH_…) and of telemetry (OTEL_…) go through; the rest of the caller's environment does not. */
function passedOn(environment: NodeJS.ProcessEnv): Record<string, string> {
  const rows = Object.entries(environment).filter((row): row is [string, string] => row[1] !== undefined && /^(BERTH|OTEL)_/.test(row[0]));
  return Object.fromEntries(rows);
}

import { spawnSync } from 'node:child_process';
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
 */
const SMALL_HEAP = ['--max-semi-space-size=2', '--no-parallel-scavenge', '--enable-source-maps'];

export const natsConfigPath = (settings: SupervisorSettings): string => join(settings.runRoot, 'nats.conf');

/** The processes in the order they start in; they stop in the opposite one. `apiSocket`: a descriptor that listens already. */
export function serviceTable(settings: SupervisorSettings, installation: Installation, accounts: Accounts, apiSocket?: number): readonly ServiceSpec[] {
  const environment = {
    ...settingsEnvironment(settings),
    ...passedOn(process.env),
    BERTH_NATS_UID: settings.natsEmbedded ? String(accounts.nats.uid) : '',
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    // One arena for malloc(3), and a garbage collector that waits for less: what ten thousand containers left in corners would not come back otherwise.
    MALLOC_ARENA_MAX: '1',
    GOGC: '40',
    // Soft: beyond it, pages that are free within go back to the kernel at once. Twice what nats-server needs: with less than that, it would do nothing but look for more.
    GOMEMLIMIT: '72MiB',
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
  const executor = spec('executor', [installation.node, ...SMALL_HEAP, join(installation.root, 'dist/bundled/services/executor.js')], 10_000);
  const services = Array.from(accounts.services, ([name, account]): ServiceSpec => {
    const plain = withProxies(spec(name, serviceCommand(name, settings, installation, account), 15_000), settings);
    // One port shows the whole engine; the others are asked over their sockets.
    if (name !== frontProcess(settings)) return { ...plain, environment: { ...plain.environment, BERTH_METRICS_PORT: '0' } };
    return apiSocket === undefined ? plain : { ...plain, passed: apiSocket, environment: { ...plain.environment, BERTH_SOCKET_FD: '3' } };
  });
  return settings.natsEmbedded ? [nats, executor, ...services] : [executor, ...services];
}

/**
 * A process of services as an unprivileged user. A clone below a private folder, as /root, cannot be read by that user: the process then sees the
 * repository through a bind mount in a mount namespace of its own. Slave propagation: the namespace must not hold containers' mounts.
 */
function serviceCommand(name: string, settings: SupervisorSettings, installation: Installation, account: Account): readonly string[] {
  const command = (root: string, node: string): string[] => [...asUser(account), node, ...SMALL_HEAP, join(root, `dist/bundled/services/${name}.js`)];
  const visible = [...asUser(account), 'test', '-x', installation.node, '-a', '-r', join(installation.root, 'dist/services/engine/settings.js')];
  if (succeeds(visible)) return command(installation.root, installation.node);
  const app = join(settings.dataRoot, 'app');
  const node = join(app, installation.node.slice(installation.root.length));
  return ['unshare', '--mount', '--propagation', 'slave', '/bin/sh', '-c', 'mount --bind "$0" "$1" && shift && exec "$@"', installation.root, app, ...command(app, node)];
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

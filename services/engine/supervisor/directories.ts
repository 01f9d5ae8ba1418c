import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES, type ServiceName, serviceProcesses, stateFolder } from '#libs/settings/services.js';
import type { SupervisorSettings } from '../settings.js';
import type { Account, Accounts } from './account.js';

const ROOT = { name: 'root', uid: 0, gid: 0 } as const satisfies Account;

/** `group`: absent is the user's own. */
type Row = readonly [path: string, user: Account, mode: number, group?: Account];

/** The account that each service runs as. */
export function serviceAccounts(settings: Pick<SupervisorSettings, 'apart'>, accounts: Accounts): ReadonlyMap<ServiceName, Account> {
  return new Map([...serviceProcesses(settings)].flatMap(([process, services]) => services.map((service) => [service, accounts.services.get(process) ?? accounts.engine] as const)));
}

/**
 * Where the run root and logs lie for whom. The run root is group-writable and sticky: unprivileged services make their sockets there, but
 * cannot move away what root or another made, so that root never follows a path that a service could have exchanged.
 * Set-group-id too: a socket that is made there belongs to the services' group, which may knock.
 */
function table(settings: SupervisorSettings, accounts: Accounts): readonly Row[] {
  const data = (name: string): string => join(settings.dataRoot, name);
  const run = (name: string): string => join(settings.runRoot, name);
  const of = serviceAccounts(settings, accounts);
  const owner = (service: ServiceName): Account => of.get(service) ?? accounts.engine;
  return [
    [settings.dataRoot, ROOT, 0o711],
    [data('nats'), accounts.nats, 0o700],
    [data('secrets'), ROOT, 0o711],
    [data('logs'), ROOT, 0o755],
    [data('content'), owner('images'), 0o750],
    [data('state'), ROOT, 0o711],
    ...SERVICES.map((service): Row => [stateFolder(settings, service), owner(service), 0o700]),
    [data('executor'), ROOT, 0o700],
    [data('layers'), ROOT, 0o711],
    [data('containers'), ROOT, 0o711],
    [data('kept'), ROOT, 0o700],
    [data('trash'), ROOT, 0o700],
    [data('volumes'), ROOT, 0o711],
    [data('app'), ROOT, 0o755],
    [settings.runRoot, ROOT, 0o3775, accounts.engine],
    [run('pids'), ROOT, 0o755],
    [run('ready'), ROOT, 0o1775, accounts.engine],
    [run('tasks'), ROOT, 0o2750, accounts.engine],
    [run('root'), ROOT, 0o700], // where a container's root is mounted, each in a mount namespace of its own
  ];
}

/** Makes what is missing and sets owner and mode of what is there. Needs root; no process that a folder belonged to may run. */
export function makeDirectories(settings: SupervisorSettings, accounts: Accounts): void {
  for (const [path, user, mode, group = user] of table(settings, accounts)) {
    if (existsSync(path)) handOver(path, user);
    mkdirSync(path, { recursive: true, mode });
    chownSync(path, user.uid, group.gid);
    chmodSync(path, mode); // after both: the umask cuts mkdir's mode
  }
  removeFormerState(settings);
}

/** State that versions before this one kept beside services' folders: it was made anew from the log, by each in its own. */
function removeFormerState(settings: SupervisorSettings): void {
  const state = join(settings.dataRoot, 'state');
  for (const name of readdirSync(state)) if (!SERVICES.some((service) => service === name)) rmSync(join(state, name), { recursive: true });
}

/** What another user had, with all below it: chown(1) goes by descriptors, follows no link, and changes `path` last, so that one cut short is done again. */
function handOver(path: string, { uid, gid }: Account): void {
  if (uid === 0 || statSync(path).uid === uid) return;
  execFileSync('chown', ['--recursive', '--no-dereference', '-P', `${uid}:${gid}`, path], { stdio: 'pipe' });
}

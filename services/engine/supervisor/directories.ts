import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { invalid } from '#libs/errors/errors.js';
import { isLinked, listeningSocket, processFolder } from '#libs/settings/run-root.js';
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

/** Where the data root lies for whom. */
function dataFolders(settings: SupervisorSettings, accounts: Accounts): readonly Row[] {
  const data = (name: string): string => join(settings.dataRoot, name);
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
    [data('layers'), ROOT, 0o700],
    [data('containers'), ROOT, 0o700],
    [data('kept'), ROOT, 0o700],
    [data('trash'), ROOT, 0o700],
    [data('volumes'), ROOT, 0o700],
    [data('app'), ROOT, 0o755],
  ];
}

/**
 * What lies in the run root. Root alone writes there, but for a folder of each process: root's own files have names that anybody knows, and the sockets' group is also
 * that of whoever may knock. Set-group-id: a socket that is made there belongs to that group.
 */
function runFolders(settings: SupervisorSettings, accounts: Accounts): readonly Row[] {
  const run = (name: string): string => join(settings.runRoot, name);
  const ofProcess = (name: string, account: Account): Row => [processFolder(settings, name), account, 0o2750, accounts.engine];
  return [
    [run('pids'), ROOT, 0o755],
    [run('processes'), ROOT, 0o755],
    ofProcess('nats', ROOT), // which tells by nothing of its own that it is ready: the supervisor does
    ofProcess('executor', ROOT),
    ...Array.from(accounts.services, ([name, account]) => ofProcess(name, account)),
    [run('tasks'), ROOT, 0o2750, accounts.engine],
    [run('root'), ROOT, 0o700], // where a container's root is mounted, each in a mount namespace of its own
    [run('runtimes'), ROOT, 0o700],
    [run('consoles'), ROOT, 0o700],
  ];
}

/**
 * Makes what is missing and sets owner and mode of what is there. Needs root; no process that a folder belonged to may run. `apiSocketIsPassed`: somebody else has made the
 * socket that clients know.
 */
export function makeDirectories(settings: SupervisorSettings, accounts: Accounts, apiSocketIsPassed = false): void {
  dataFolders(settings, accounts).forEach(makeDirectory);
  removeFormerState(settings);
  makeDirectory([settings.runRoot, ROOT, 0o2755, accounts.engine]);
  removeStrange(settings);
  runFolders(settings, accounts).forEach(makeDirectory);
  if (isLinked(settings) && !apiSocketIsPassed) linkSocket(settings);
}

function makeDirectory([path, user, mode, group = user]: Row): void {
  if (existsSync(path)) handOver(path, user);
  mkdirSync(path, { recursive: true, mode });
  chownSync(path, user.uid, group.gid);
  chmodSync(path, mode); // after both: the umask cuts mkdir's mode
}

/** Where processes of versions before this one had their sockets, and told that they were ready. */
const FORMER = /^(ready|images\.sock|telemetry-.*\.sock)$/;
/** What any version has written in the run root, and by which names it came there. */
const OURS = /^(nats\.conf|forwarding|cgroup-parents|pids|processes|tasks|root|runtimes|consoles|executor\.sock|docker\.sock)(\.([0-9a-f]+\.)?new)?$/;

/**
 * Throws where the run root is a folder that others have things in: its rights are about to become Berth's own. What a service manager put there for Berth, its socket, is
 * Berth's.
 */
export function requireRunRoot({ runRoot, socket }: SupervisorSettings): void {
  const names = existsSync(runRoot) ? readdirSync(runRoot) : [];
  const strange = names.find((name) => !OURS.test(name) && !FORMER.test(name) && join(runRoot, name) !== socket);
  if (strange !== undefined && !names.includes('pids')) throw invalid(`BERTH_RUN_ROOT is "${runRoot}", which has "${strange}" in it and is not Berth's: it must be a folder of its own`);
}

/**
 * What the run root has from versions that let the sockets' group write there: what stands where root writes, and is not root's or leads elsewhere, may be a stranger's. Runs when
 * nobody else can write there any more; rm(1) goes by descriptors and follows no link.
 */
function removeStrange({ runRoot, socket }: SupervisorSettings): void {
  for (const name of readdirSync(runRoot)) {
    if (!OURS.test(name) && !FORMER.test(name) && join(runRoot, name) !== socket) continue;
    const path = join(runRoot, name);
    const found = lstatSync(path);
    const isRoots = found.uid === 0 && (path === socket || found.isDirectory() || (!found.isSymbolicLink() && found.nlink === 1));
    if (!isRoots || FORMER.test(name)) execFileSync('rm', ['-rf', '--one-file-system', '--', path], { stdio: 'pipe' });
  }
}

/** Whatever stood there, a socket of before or an older link, is replaced at once. */
function linkSocket(settings: SupervisorSettings): void {
  const fresh = `${settings.socket}.${randomBytes(8).toString('hex')}.new`;
  symlinkSync(relative(settings.runRoot, listeningSocket(settings)), fresh);
  renameSync(fresh, settings.socket);
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

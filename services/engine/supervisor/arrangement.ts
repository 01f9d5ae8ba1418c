import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '#libs/linux/whole-file.js';
import { isLinked, readyFile } from '#libs/settings/run-root.js';
import { serviceProcesses } from '#libs/settings/services.js';
import type { SupervisorSettings } from '../settings.js';
import type { Accounts } from './account.js';
import { serviceAccounts } from './directories.js';
import { removeFile, runningProcess } from './process-file.js';
import { isSameExecutor, type Program } from './program.js';
import { endProcess } from './service.js';

/** Files of the supervisor itself, or of no process. */
const STAYS = new Set(['supervisor', 'supervisor.lock', 'arrangement']);
/** Raised where processes look for each other's sockets elsewhere than before: the executor ends, too, then. 2: a folder a process. */
const PLACES = 2;
const STOP_TIMEOUT_MS = 15_000;

/**
 * Ends the processes that another supervisor left, where they hold other services, run as other users, other code or with other settings, or have their sockets elsewhere than is wished now:
 * nats-server and services, and in the last three cases the executor. What runs as wished stays, to be adopted. Containers run on.
 */
export async function endFormerArrangement(settings: SupervisorSettings, accounts: Accounts, program: Program): Promise<void> {
  const pids = join(settings.runRoot, 'pids');
  const record = join(pids, 'arrangement');
  const wished = JSON.stringify({ places: PLACES, nats: accounts.nats.uid, services: [...serviceProcesses(settings)].map(([name, services]) => ({ name, services, uid: accounts.services.get(name)?.uid })), program });
  const was = textOf(record);
  if (was === wished) return;
  const inPlace = was.startsWith(`{"places":${PLACES},`);
  const end = async (name: string): Promise<void> => {
    const process = runningProcess(join(pids, name));
    if (process) await endProcess(process, STOP_TIMEOUT_MS);
    removeFile(join(pids, name));
    // A former release wrote its ready file elsewhere; this path is then not ours.
    if (inPlace) removeFile(readyFile(settings, name));
  };
  const isSame = isSameExecutor(recordedProgram(settings), program);
  const former = readdirSync(pids).filter((file) => !STAYS.has(file));
  await Promise.all(former.filter((name) => name !== 'nats' && name !== 'executor').map(end));
  if (former.includes('executor') && !(inPlace && isSame)) await end('executor');
  if (former.includes('nats')) await end('nats'); // services save snapshots as they end, for which they ask the log
  writeWhole(record, wished, { mode: 0o600 });
}

/** The program of the processes that the last supervisor started or adopted; undefined where none recorded it whole. */
export function recordedProgram({ runRoot }: Pick<SupervisorSettings, 'runRoot'>): Program | undefined {
  try {
    return (JSON.parse(textOf(join(runRoot, 'pids', 'arrangement'))) as { readonly program?: Program }).program;
  } catch {
    return undefined; // none, or cut short by a full disk: what runs is ended then, and started anew
  }
}

/** The socket of clients, where an administrator has it elsewhere than in the run root, and another unprivileged user's gateway left it: in a sticky folder the one that comes now could not take its place. Root's are somebody else's. */
export function removeForeignSocket(settings: SupervisorSettings, accounts: Accounts): void {
  if (isLinked(settings)) return;
  const found = lstatSync(settings.socket, { throwIfNoEntry: false });
  if (found?.isSocket() && found.uid !== 0 && found.uid !== serviceAccounts(settings, accounts).get('gateway')?.uid) removeFile(settings.socket);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // none was left
  }
}

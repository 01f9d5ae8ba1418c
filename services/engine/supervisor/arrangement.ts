import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serviceProcesses } from '#libs/settings/services.js';
import { telemetrySocket } from '#libs/telemetry/telemetry-socket.js';
import type { SupervisorSettings } from '../settings.js';
import type { Account, Accounts } from './account.js';
import { serviceAccounts } from './directories.js';
import { removeFile, runningProcess } from './process-file.js';
import { endProcess } from './service.js';

/** What is no process of another user's, or none at all. */
const STAYS = new Set(['supervisor', 'supervisor.lock', 'executor', 'arrangement']);
const STOP_TIMEOUT_MS = 15_000;

/**
 * Ends the processes that another supervisor left, where they hold other services or run as other users than is wished now: nats-server and services, not the
 * executor. What runs as wished stays, to be adopted. Containers run on.
 */
export async function endFormerArrangement(settings: SupervisorSettings, accounts: Accounts): Promise<void> {
  const pids = join(settings.runRoot, 'pids');
  const record = join(pids, 'arrangement');
  const wished = JSON.stringify({ nats: accounts.nats.uid, services: [...serviceProcesses(settings)].map(([name, services]) => ({ name, services, uid: accounts.services.get(name)?.uid })) });
  if (textOf(record) === wished) return;
  const end = async (name: string): Promise<void> => {
    const process = runningProcess(join(pids, name));
    if (process) await endProcess(process, STOP_TIMEOUT_MS);
    removeFile(join(pids, name));
    removeFile(join(settings.runRoot, 'ready', name));
  };
  const former = readdirSync(pids).filter((file) => !STAYS.has(file));
  await Promise.all(former.filter((name) => name !== 'nats').map(end));
  if (former.includes('nats')) await end('nats'); // services save snapshots as they end, for which they ask the log
  writeFileSync(record, wished);
}

/** Sockets that another unprivileged user's process left: in a sticky folder the one that comes now could not take their place. Root's are somebody else's. */
export function removeForeignSockets(settings: SupervisorSettings, accounts: Accounts, apiSocketIsPassed: boolean): void {
  const of = serviceAccounts(settings, accounts);
  const sockets: [path: string, owner: Account | undefined][] = [
    ...[...accounts.services].map(([process, account]): [string, Account] => [telemetrySocket(settings, process), account]),
    [join(settings.runRoot, 'images.sock'), of.get('images')],
    ...(apiSocketIsPassed ? [] : [[settings.socket, of.get('gateway')] as [string, Account | undefined]]),
  ];
  for (const [path, owner] of sockets) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSocket() && found.uid !== 0 && found.uid !== owner?.uid) removeFile(path);
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // none was left
  }
}

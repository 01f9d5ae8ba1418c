import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SupervisorSettings } from '../settings.js';
import type { Account } from './account.js';

type Owner = 'root' | 'berth';
type Row = readonly [path: string, user: Owner, group: Owner, mode: number];

/**
 * Where the run root and logs lie for whom. The run root is group-writable and sticky: the unprivileged engine makes its sockets there, but
 * cannot move away what root made, so that root never follows a path that the engine could have exchanged.
 * Set-group-id too: a socket that the executor makes there belongs to the engine's group, which may knock.
 */
function table(settings: SupervisorSettings): readonly Row[] {
  const data = (name: string): string => join(settings.dataRoot, name);
  const run = (name: string): string => join(settings.runRoot, name);
  return [
    [settings.dataRoot, 'root', 'root', 0o711],
    [data('nats'), 'berth', 'berth', 0o700],
    [data('secrets'), 'root', 'berth', 0o750],
    [data('logs'), 'root', 'root', 0o755],
    [data('content'), 'berth', 'berth', 0o750],
    [data('state'), 'berth', 'berth', 0o750],
    [data('executor'), 'root', 'root', 0o700],
    [data('layers'), 'root', 'root', 0o711],
    [data('containers'), 'root', 'root', 0o711],
    [data('kept'), 'root', 'root', 0o700],
    [data('trash'), 'root', 'root', 0o700],
    [data('volumes'), 'root', 'root', 0o711],
    [data('app'), 'root', 'root', 0o755],
    [settings.runRoot, 'root', 'berth', 0o3775],
    [run('pids'), 'root', 'root', 0o755],
    [run('ready'), 'root', 'berth', 0o1775],
    [run('tasks'), 'root', 'berth', 0o2750],
    [run('root'), 'root', 'root', 0o700], // where a container's root is mounted, each in a mount namespace of its own
  ];
}

/** Makes what is missing and sets owner and mode of what is there. Needs root. */
export function makeDirectories(settings: SupervisorSettings, account: Account): void {
  for (const [path, user, group, mode] of table(settings)) {
    mkdirSync(path, { recursive: true, mode });
    chownSync(path, user === 'root' ? 0 : account.uid, group === 'root' ? 0 : account.gid);
    chmodSync(path, mode); // after both: the umask cuts mkdir's mode
  }
}

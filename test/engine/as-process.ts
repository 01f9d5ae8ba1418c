import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What `command` prints when it is run with the users and groups of a process, and without capabilities; "refused: " and its complaint where it fails. */
export function asProcess(pid: number, ...command: string[]): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const ids = (what: string): string[] => (new RegExp(`^${what}:\t(.*)`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).filter(Boolean);
  const groups = ids('Groups');
  const also = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
  try {
    return execFileSync('setpriv', [`--reuid=${ids('Uid')[0]}`, `--regid=${ids('Gid')[0]}`, also, '--inh-caps=-all', '--no-new-privs', ...command], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return `refused: ${(error as { stderr: string }).stderr}`;
  }
}

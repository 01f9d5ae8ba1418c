import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The system user that all but the executor run as; made when missing (useradd(8)), with no home, shell or password. */
export function ensureAccount(name: string): Account {
  const there = findAccount(name);
  if (there) return there;
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', name], { stdio: 'pipe' });
  const made = findAccount(name);
  if (!made) throw new Error(`useradd made no user ${name} in /etc/passwd`);
  return made;
}

function findAccount(name: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

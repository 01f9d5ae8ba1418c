import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { serviceProcesses } from '#libs/settings/services.js';
import type { SupervisorSettings } from '../settings.js';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Accounts {
  /** Its group is that of all services, and of whoever may knock at their sockets. */
  readonly engine: Account;
  readonly nats: Account;
  /** Of each process of services, by its name. */
  readonly services: ReadonlyMap<string, Account>;
}

/**
 * System users, made when missing: processes of one user read each other's memory and files. nats-server has one of its own, since it knows all passwords and
 * holds the log; so has each service that runs apart. The executor is root's.
 */
export function ensureAccounts(settings: Pick<SupervisorSettings, 'user' | 'apart'>): Accounts {
  const { user } = settings;
  const engine = ensureAccount(user);
  const services = Array.from(serviceProcesses(settings).keys(), (name): [string, Account] => [name, name === 'engine' ? engine : ensureAccount(`${user}-${name}`, user)]);
  return { engine, nats: ensureAccount(`${user}-nats`), services: new Map(services) };
}

/** useradd(8), with no home, shell or password; with a group of its own, and in another's where that is given. */
function ensureAccount(name: string, alsoIn?: string): Account {
  const there = findAccount(name);
  if (there) return there;
  const groups = alsoIn === undefined ? [] : ['--groups', alsoIn];
  execFileSync('useradd', ['--system', '--user-group', ...groups, '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin', name], { stdio: 'pipe' });
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

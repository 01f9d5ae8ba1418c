import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TaskSecurity } from '#contracts/executor/tasks.js';
import { internal } from '#libs/errors/errors.js';
import { containerProfile } from '../../domain/apparmor/container-profile.js';
import { DEFAULT_PROFILE, defaultProfile } from '../../domain/apparmor/default-profile.js';

/** apparmorfs (kernel: security/apparmor/apparmorfs.c) */
const POLICY = '/sys/kernel/security/apparmor';
const PARSER = '/sbin/apparmor_parser';
const PLACES = { enabled: '/sys/module/apparmor/parameters/enabled', policy: POLICY, parser: PARSER };
const PROFILES = '/etc/apparmor.d';
const DEADLINE_MS = 60_000;

/** The kernel's AppArmor, and the profile that containers have in it. */
export class AppArmor {
  private loading: Promise<void> | undefined;

  /** Undefined where dockerd uses none either: the kernel has it not, or off, its parser is not installed, or this is a container, whose profiles are its host's matter. */
  static find(environment: Readonly<Record<string, string | undefined>>): AppArmor | undefined {
    return !environment['container'] && isEnabled(PLACES) && missingOf(PLACES).length === 0 ? new AppArmor() : undefined;
  }

  /** What is to be said where the kernel has AppArmor on and containers are not confined by it all the same; `places`: another host's, for tests. */
  static trouble(environment: Readonly<Record<string, string | undefined>>, places: Places = PLACES): string | undefined {
    const missing = missingOf(places);
    if (environment['container'] || !isEnabled(places) || missing.length === 0) return undefined;
    return `the kernel has AppArmor, but containers are not confined by it: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not there. The Debian package apparmor brings the parser; a pod needs the host's /sys/kernel/security, too`;
  }

  /** Loads docker-default, in the place of what has its name. */
  load(): Promise<void> {
    this.loading ??= parse(defaultProfile({ has: (file) => existsSync(`${PROFILES}/${file}`), engine: ownProfile() })).finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  /** The profile that a container's processes are to have. docker-default is there then: upgrades and restarts of the host's AppArmor unload what is not in its folder. */
  async profileFor(security: Pick<TaskSecurity, 'apparmor' | 'privileged'>): Promise<string> {
    const profile = containerProfile(security);
    if (profile === DEFAULT_PROFILE && !(await isLoaded(DEFAULT_PROFILE))) await this.load();
    return profile;
  }
}

type Places = typeof PLACES;

const missingOf = ({ policy, parser }: Places): readonly string[] => [policy, parser].filter((path) => !existsSync(path));

function isEnabled({ enabled }: Places): boolean {
  try {
    return readFileSync(enabled, 'latin1').startsWith('Y');
  } catch {
    return false;
  }
}

/** Lines of "name (mode)". */
const isLoaded = async (profile: string): Promise<boolean> => (await readFile(`${POLICY}/profiles`, 'utf8')).split('\n').some((line) => line.startsWith(`${profile} (`));

/** "name (mode)", or "unconfined" alone. */
const ownProfile = (): string => readFileSync('/proc/self/attr/apparmor/current', 'utf8').trim().split(' (')[0] ?? '';

function parse(profile: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Its cache is for profiles that are files.
    const parser = execFile(PARSER, ['--skip-cache', '--replace'], { timeout: DEADLINE_MS, cwd: '/' }, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      reject(internal(`AppArmor enabled on system but the ${DEFAULT_PROFILE} profile could not be loaded: ${stderr.trim() || error.message}`, error));
    });
    parser.stdin?.on('error', () => undefined); // a parser that ended early says why itself
    parser.stdin?.end(profile);
  });
}

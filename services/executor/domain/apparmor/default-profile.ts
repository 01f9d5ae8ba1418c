/** The profile that Docker's users know by this name. */
export const DEFAULT_PROFILE = 'docker-default';

export interface ProfileHost {
  /** Whether /etc/apparmor.d has this file. */
  readonly has: (file: string) => boolean;
  /** The engine's own profile, which signals to containers come from; "unconfined" where it has none. */
  readonly engine: string;
}

/** Everything below `folder` but what is below `name` in it: AppArmor's patterns have no other way to say "not". */
const allBut = (folder: string, name: string, access: string): readonly string[] => Array.from(name, (letter, at) => `deny ${folder}${name.slice(0, at)}[^${letter}]*/** ${access},`);

/**
 * What apparmor_parser(8) makes docker-default of; in effect the one that dockerd loads (moby/profiles, apparmor/template.go), so that either may take the other's
 * place on a host with both. A container may do what its capabilities let it, but not mount, and of /proc and /sys it changes its own processes, cgroups and limits of
 * System V's shared memory, whatever is mounted there.
 */
export function defaultProfile({ has, engine }: ProfileHost): string {
  const rules = [
    ...(has('abstractions/base') ? ['include <abstractions/base>'] : []),
    ...['capability,', 'file,', 'network,', 'deny network alg,', 'umount,', 'deny mount,'],
    `signal (send, receive) peer="${DEFAULT_PROFILE}",`,
    ...[...new Set(['unconfined', engine, 'runc', 'crun'])].map((peer) => `signal (receive) peer="${peer}",`),
    `ptrace (trace, read, tracedby, readby) peer="${DEFAULT_PROFILE}",`,
    'deny @{PROC}/{kcore,sysrq-trigger} rwklx,',
    'deny @{PROC}/* w,',
    // Folders with a name that is no process's, but for "sys".
    'deny @{PROC}/{[^1-9s/]*,s[^y/]*,sy[^s/]*,sys?*}/** w,',
    'deny @{PROC}/sys/[^k]** w,',
    // Docker's pattern, which leaves more than the "shm*" it is meant for: kernel.sem is one of them.
    'deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,',
    ...allBut('/sys/', 'fs', 'wklx'),
    ...allBut('/sys/fs/', 'cgroup', 'wklx'),
    ...['firmware', 'devices/virtual/powercap', 'kernel/security'].map((folder) => `deny /sys/${folder}/** rwklx,`),
  ];
  return [
    // Newer ones understand "network" without unix sockets.
    ...(has('abi/3.0') ? ['abi <abi/3.0>,'] : []),
    has('tunables/global') ? 'include <tunables/global>' : '@{PROC}=/proc/',
    `profile "${DEFAULT_PROFILE}" flags=(attach_disconnected, mediate_deleted) {`,
    ...rules.map((rule) => `  ${rule}`),
    '}',
    '',
  ].join('\n');
}

/** The part of the OCI runtime specification (config.md, config-linux.md, 1.2) that Berth writes and compiles. */
export interface RuntimeSpec {
  readonly ociVersion: '1.2.0';
  readonly process: Process;
  readonly root: Root;
  readonly hostname: string;
  readonly domainname?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly linux: Linux;
  /** Programs that an installed runtime runs at points of a container's life, by those points' names; Berth's own runs none. */
  readonly hooks?: Readonly<Record<string, readonly Hook[]>>;
}

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

export interface Process {
  readonly terminal: boolean;
  readonly user: User;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: CapabilitySets;
  readonly rlimits: readonly Rlimit[];
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
}

/** Names, not numbers: only the container's own /etc/passwd can tell, and it is read when the container's root is there. */
export interface User {
  /** "", "name", "uid", "uid:gid", "name:group" */
  readonly username: string;
  /** Names or gids. */
  readonly additionalGroups: readonly string[];
}

/** Names with "CAP_". The effective set of a program of root follows from bounding. */
export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

export interface Rlimit {
  /** "RLIMIT_NOFILE" */
  readonly type: string;
  /** -1: no limit */
  readonly soft: number;
  readonly hard: number;
  /** Not the user's wish but a default: as far as the kernel allows. */
  readonly optional?: boolean;
}

export type Root = RootPlace & RootMade;

export interface RootPlace {
  /** Empty host directory the root is mounted on. */
  readonly path: string;
  readonly readonly: boolean;
}

/** What the root is made of: the specification leaves that to who prepares it, here it is a step like any other mount. */
export type RootMade =
  | { readonly overlay: { readonly baseDirectory: string; readonly lower: readonly string[]; readonly upper: string; readonly work: string; readonly options: string } }
  | { readonly directory: string };

export interface Mount {
  readonly destination: string;
  /** "bind", or a file system of the kernel. */
  readonly type: string;
  readonly source: string;
  /** As of mount(8); "rro": read-only with all below it; "idmap": with the user namespace's ids. Words that are no flag are the file system's data. */
  readonly options: readonly string[];
  /** Of a bind, what the specification has no word for: the path below `source`, which it does not leave, that is mounted. */
  readonly below?: string;
  /** "ro" is the bind alone and no mount below it. Absent: Berth's own makes those read-only, too; an installed runtime does what its "ro" is. */
  readonly readonlyAlone?: true;
  /** Another container's, not one of its own: what the specification has no word for. */
  readonly shared?: SharedMount;
}

/** The mount at the same path in a mount namespace. `pidNamespace`: of procfs, whose processes it has to show. */
export interface SharedMount {
  readonly mountNamespace: string;
  readonly pidNamespace?: string;
}

export interface Linux {
  readonly namespaces: readonly Namespace[];
  /** With a user namespace: whose ids on the host are whose in there. */
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  readonly devices: readonly Device[];
  readonly cgroupsPath: string;
  readonly resources: { readonly devices: readonly DeviceCgroupRule[] };
  readonly seccomp?: Seccomp;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  /** "shared", "slave" or "private" of the root mount, where a mount's propagation needs it. */
  readonly rootfsPropagation?: string;
}

export interface Namespace {
  readonly type: 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'cgroup' | 'user';
  /** One to join instead of a new one. */
  readonly path?: string;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface Device {
  readonly path: string;
  readonly type: 'c' | 'b' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface DeviceCgroupRule {
  readonly allow: boolean;
  /** Absent: "a", all. */
  readonly type?: 'a' | 'b' | 'c';
  /** Absent: all. */
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

/** The filter as the kernel takes it: struct sock_filter, one after the other. The profile was resolved against capabilities and machine before. */
export interface Seccomp {
  readonly program: Uint8Array;
}

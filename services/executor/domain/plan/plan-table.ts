/**
 * The one table of what `berth-shim` can do. The TypeScript types below, the encoder and the C header (shim/generate-header.mjs) all come
 * from it. Shims outlive engine upgrades, and get exec plans of later engines: what those use, SETTINGS among it, never changes but by a step that such a shim is
 * known to have (golden/exec-steps.json), and PLAN_VERSION is raised only where no exec of theirs is to go on. Plans of whole containers go to shims of the same
 * release and may change. A code is never given a second meaning.
 *
 * "in-root" paths are resolved by the shim below the container's root (openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS).
 * Every step that names an in-root path, and every bind, comes after overlay_root or bind_root and, but for those that say so, before pivot_root.
 */
export const PLAN_VERSION = 1;

/** Codes of steps that there were, for whom an older shim still has them. */
export const RETIRED_CODES = [21, 29, 42, 48];

/** u32, u64: little endian. flag: a u32 of 0 or 1. string: UTF-8 without NUL. bytes: anything. strings: a list of strings. */
export type OperandKind = 'u32' | 'u64' | 'flag' | 'string' | 'bytes' | 'strings';

export interface Operation {
  readonly code: number;
  readonly operands: Readonly<Record<string, OperandKind>>;
}

export const OPERATIONS = {
  // The host's files and cgroups.
  /** A directory on the host; present already: done. */
  mkdir_host: { code: 1, operands: { path: 'string', mode: 'u32' } },
  /** Writes a host file that exists (a cgroup's limit) in one write(2). child: before it has left the host's mounts. */
  write_file: { code: 2, operands: { path: 'string', data: 'bytes' } },
  /** The same, any failure ignored: what the kernel does not have is left out. */
  write_file_optional: { code: 3, operands: { path: 'string', data: 'bytes' } },
  /** exit: `oom_kill N` of memory.oom_control (v1) or memory.events (v2) goes in the exit record. No such file: no oom. */
  read_oom: { code: 4, operands: { path: 'string' } },
  /** exit: kills what is left in the cgroup and removes it with all below it. */
  rmdir_cgroup: { code: 5, operands: { path: 'string' } },
  /** v2: a BPF program (struct bpf_insn, type CGROUP_DEVICE) that decides on devices, loaded and attached to the cgroup, with which it lives and goes. */
  device_filter: { code: 6, operands: { path: 'string', program: 'bytes' } },

  // Namespaces.
  /** setns(2) on `path`. CLONE_NEWPID only as a parent step: it counts for the child about to be cloned. Others: child. */
  join_namespace: { code: 10, operands: { path: 'string', flag: 'u32' } },
  /** exec plans, child: setns(2) on the init process's pidfd, CLONE_NEWPID last: from then on it is another process, which the container sees. Else: with CLONE_NEWPID, what was held. */
  join_task: { code: 11, operands: { flags: 'u32' } },
  /** unshare(2) in the child, after it is in its cgroups: CLONE_NEWCGROUP. */
  unshare: { code: 12, operands: { flags: 'u32' } },
  set_hostname: { code: 13, operands: { name: 'string' } },
  set_domainname: { code: 14, operands: { name: 'string' } },
  /** parent: keeps the pid namespace at `path` for the child's join_task, which comes when /proc is not the host's any more. */
  hold_pid_namespace: { code: 15, operands: { path: 'string' } },

  // A user namespace. What needs the host's rights is done before it is entered, in a mount namespace of the host's; what was prepared there is kept by number.
  /** Opens the user namespace at the host path `path`, whose ids `mapped` trees have and which is entered later. */
  open_user_namespace: { code: 19, operands: { path: 'string' } },
  /** setns(2) into it and unshare(2) of `flags`, which are then its own; root in there from then on, in a copy of the mounts so far, and with CLONE_NEWPID another process. */
  enter_user_namespace: { code: 16, operands: { flags: 'u32' } },
  /** The pipes that are the child's stdin, stdout and stderr get an owner, by the host's ids. */
  own_stdio: { code: 17, operands: { uid: 'u32', gid: 'u32' } },

  // The root and its mounts.
  /** Makes the whole tree a recursive slave: nothing reaches the host, the host's unmounts still reach us and no mount is pinned. */
  private_propagation: { code: 20, operands: {} },
  /** overlayfs on the host directory `target`. `lower` top first; lower, upper and work are relative to `baseDirectory` (absolute works too). options: of the mount, "name=value,…". */
  overlay_root: {
    code: 22,
    operands: { baseDirectory: 'string', lower: 'strings', upper: 'string', work: 'string', target: 'string', options: 'string' },
  },
  bind_root: { code: 23, operands: { source: 'string', target: 'string', readonly: 'flag' } },
  /** A new file system on an in-root target, which is made as a directory when missing. flags: MS_*. */
  mount_fs: { code: 24, operands: { type: 'string', source: 'string', target: 'string', flags: 'u64', data: 'string' } },
  /**
   * source is a host path, target in-root; made when missing, as a directory or an empty file like the source. propagation: MS_PRIVATE, MS_SLAVE
   * or MS_SHARED, with MS_REC (0x4000) for the whole tree; 0: as it comes. attributes: MOUNT_ATTR_* set on it (NOSUID 2, NODEV 4, NOEXEC 8).
   */
  bind_mount: {
    code: 25,
    operands: { source: 'string', target: 'string', recursive: 'flag', readonly: 'flag', propagation: 'u32', attributes: 'u32' },
  },
  /**
   * As bind_mount, of a part of it. below: what that path leads to below the host directory `source`, which it does not leave (openat2(2), RESOLVE_BENEATH), since a
   * container may have filled it; "": source itself. alone: readonly is the topmost mount, and none below it.
   */
  bind_part: {
    code: 55,
    operands: { source: 'string', below: 'string', target: 'string', recursive: 'flag', readonly: 'flag', alone: 'flag', propagation: 'u32', attributes: 'u32' },
  },
  /** type: "c", "b" or "p". Present already: replaced. */
  make_node: {
    code: 26,
    operands: { target: 'string', type: 'string', mode: 'u32', major: 'u32', minor: 'u32', uid: 'u32', gid: 'u32' },
  },
  /** A symbolic link at in-root `link` with the text `target`; something there already: left. */
  make_symlink: { code: 27, operands: { target: 'string', link: 'string' } },
  /** With its parents; present already: left as it is. */
  mkdir_in_root: { code: 28, operands: { path: 'string', mode: 'u32', uid: 'u32', gid: 'u32' } },
  /** A read-only empty tmpfs over a directory, the host's /dev/null over a file; missing: nothing to hide. */
  mask_path: { code: 30, operands: { path: 'string' } },
  /** Before or after pivot_root; missing: done. */
  readonly_path: { code: 31, operands: { path: 'string' } },
  /** Before or after pivot_root. */
  readonly_root: { code: 32, operands: {} },
  pivot_root: { code: 33, operands: {} },
  /** A tmpfs of the host's on the host directory `target`, in which trees are prepared, `trees` of them. They get their numbers in their steps' order, from 0. */
  stage: { code: 52, operands: { target: 'string', trees: 'u32' } },
  /**
   * A tree: an overlay of the names `lower` (top first) in the host directory `layers`, and of the names `upper` and `work` in the host directory `own`, all with the
   * user namespace's ids; options: as of overlay_root. It acts on them as the host's `uid` and `gid`, which have to be root in there.
   */
  overlay_tree: {
    code: 36,
    operands: { layers: 'string', lower: 'strings', own: 'string', upper: 'string', work: 'string', options: 'string', uid: 'u32', gid: 'u32' },
  },
  /** A tree: what is at the host path `source`, as bind_mount has it. mapped: with the user namespace's ids. */
  bind_tree: { code: 37, operands: { source: 'string', recursive: 'flag', readonly: 'flag', propagation: 'u32', attributes: 'u32', mapped: 'flag' } },
  /** A tree: as bind_tree, of a part of it, as bind_part has it. */
  part_tree: { code: 56, operands: { source: 'string', below: 'string', recursive: 'flag', readonly: 'flag', alone: 'flag', propagation: 'u32', attributes: 'u32', mapped: 'flag' } },
  /** A tree: one node, as make_node has it, but with the host's ids. */
  node_tree: { code: 38, operands: { type: 'string', mode: 'u32', major: 'u32', minor: 'u32', uid: 'u32', gid: 'u32' } },
  /** A tree: what share_mount puts on its target. */
  shared_tree: { code: 53, operands: { mountNamespace: 'string', pidNamespace: 'string', source: 'string', attributes: 'u32' } },
  /** Puts a tree on its target as share_mount does. procfs: it is one, and its target no symlink. */
  attach_shared: { code: 57, operands: { tree: 'u32', target: 'string', procfs: 'flag' } },
  /** Puts a tree on the host path `target`, made when missing as a directory or an empty file like the tree's root; on top of what is mounted there. */
  place_tree: { code: 54, operands: { tree: 'u32', target: 'string' } },
  /** Puts a tree on an in-root target, made when missing as bind_mount does. */
  attach_tree: { code: 39, operands: { tree: 'u32', target: 'string' } },
  /** Makes a tree the container's root, on the stage. After enter_user_namespace, before all steps with in-root paths. */
  attach_root: { code: 18, operands: { tree: 'u32' } },
  /** A pty on the container's own devpts (/dev/pts, mounted before); bindConsole: its slave is bound on /dev/console. */
  setup_console: { code: 34, operands: { bindConsole: 'flag' } },
  /**
   * The one mount that is at `source` in the mount namespace at the host path `mountNamespace`, without what lies on it, on an in-root target, which is made as a
   * directory when missing. attributes: as of bind_mount. pidNamespace: it has to be the procfs of that one; "": it may be anything.
   */
  share_mount: { code: 35, operands: { mountNamespace: 'string', pidNamespace: 'string', source: 'string', target: 'string', attributes: 'u32' } },

  // The process.
  /** name with dots or slashes, below /proc/sys. */
  sysctl: { code: 40, operands: { name: 'string', value: 'string' } },
  /** optional: EPERM is tolerated, the soft limit is then set as far as the present hard limit. */
  set_rlimit: { code: 41, operands: { resource: 'u32', soft: 'u64', hard: 'u64', optional: 'flag' } },
  /** The hard limit is at least `hard` from then on: before enter_user_namespace, since none can be raised in there. */
  raise_rlimit: { code: 51, operands: { resource: 'u32', hard: 'u64' } },
  /** Sets as bit masks. After set_user, which keeps the permitted set. After seccomp: CAP_SYS_ADMIN is held until that is in force. */
  capabilities: {
    code: 43,
    operands: { bounding: 'u64', effective: 'u64', permitted: 'u64', inheritable: 'u64', ambient: 'u64' },
  },
  no_new_privileges: { code: 44, operands: {} },
  /** A new, anonymous session keyring (session-keyring(7)); a kernel without keys: done. */
  session_keyring: { code: 50, operands: {} },
  /**
   * An array of struct sock_filter. Without no_new_privileges before it: before capabilities. flags: SECCOMP_FILTER_FLAG_*. In force from `exec` on, which does all else
   * that it has to do before: the filter may forbid any of it.
   */
  seccomp: { code: 45, operands: { program: 'bytes', flags: 'u32' } },
  /** Docker's `user[:group]`, read in the container's own /etc/passwd and /etc/group; "" is root. extraGroups: names or numbers. HOME is derived. */
  set_user: { code: 46, operands: { user: 'string', extraGroups: 'strings' } },
  /** After pivot_root. create: made with its parents, owned by root, when missing. */
  chdir: { code: 47, operands: { path: 'string', create: 'flag' } },
  /** The last step. args[0] is looked up in PATH of `env`. HOME is added when `env` has none. */
  exec: { code: 49, operands: { args: 'strings', env: 'strings' } },

  // Traces.
  /** The first step, parent: the shim tells when each later step was done, before it tells how the start went. */
  time_steps: { code: 60, operands: {} },

  // An installed OCI runtime in the child's place: the child is the runtime's command, which leaves a process behind and ends (handover).
  /** parent: a socket at the host path `path`, where the runtime sends the terminal's master (runc's docs/terminals.md). */
  listen_console: { code: 70, operands: { path: 'string' } },
  /** handover: takes that descriptor and gives the terminal its size. */
  receive_console: { code: 71, operands: {} },
  /** handover: the process whose number the runtime wrote in `pidFile` is the one that is kept from now on. It has become the shim's child with the runtime's end. */
  adopt: { code: 72, operands: { pidFile: 'string' } },
  /** parent, handover, exit: a program of the host, args[0] its path, without input or output. Fails with EIO when its exit code is not 0, with ETIMEDOUT when it takes 20 s. */
  run_command: { code: 73, operands: { args: 'strings', env: 'strings' } },
  /** exit: unmounts the host path `target` in the shim's own mount namespace. */
  unmount: { code: 74, operands: { target: 'string' } },
} as const satisfies Readonly<Record<string, Operation>>;

/** Settings of a plan, encoded in this order. */
export const SETTINGS = {
  /** Holds shim.sock and the exit record; exists. Empty in exec plans, as everything down to the sockets' line. */
  taskDirectory: 'string',
  /** File of the log in Docker's json-file format; "": no log. */
  logPath: 'string',
  /** 0: no limit */
  logMaxBytes: 'u64',
  /** Files kept in all, the present one counted; 0 counts as 1. */
  logMaxFiles: 'u32',
  /** gid that owns shim.sock */
  socketGroup: 'u32',
  socketMode: 'u32',
  /** Cgroup directories the shim itself moves to; none: it stays where the zygote is. */
  shimCgroupPaths: 'strings',
  /** CLONE_NEW* for the clone; CLONE_NEWCGROUP belongs in an `unshare` step, since the child joins its cgroups after the clone. */
  namespaces: 'u32',
  terminal: 'flag',
  rows: 'u32',
  columns: 'u32',
  openStdin: 'flag',
  stdinOnce: 'flag',
  /** Attach tickets issued in advance: "<32 hex>:<flags>", flags of i, o, e. Output waits for them, 5 s at most. */
  tickets: 'strings',
  /** Cgroup directories the child is moved to (cgroup.procs). */
  cgroupPaths: 'strings',
} as const satisfies Readonly<Record<string, OperandKind>>;

interface OperandTypes {
  readonly u32: number;
  readonly u64: bigint | number;
  readonly flag: boolean;
  readonly string: string;
  readonly bytes: Uint8Array;
  readonly strings: readonly string[];
}
type Values<Kinds extends Readonly<Record<string, OperandKind>>> = { readonly [Name in keyof Kinds]: OperandTypes[Kinds[Name]] };

/**
 * parent: in the shim, before the clone. child: in the new process, in order. exit: in the shim, when the container ended or failed to start. handover: in the shim,
 * when the child has ended with exit code 0; a plan with such steps has a runtime's command for a child, and `adopt` among them.
 */
export type Actor = 'parent' | 'child' | 'exit' | 'handover';
export const ACTOR_CODES = { parent: 0, child: 1, exit: 2, handover: 3 } as const satisfies Readonly<Record<Actor, number>>;

export type OperationName = keyof typeof OPERATIONS;
/** `from`: the line of the OCI spec that asked for it, as in "mounts[3]". */
export type PlanStep = {
  [Name in OperationName]: { readonly op: Name; readonly actor: Actor; readonly from: string } & Values<(typeof OPERATIONS)[Name]['operands']>;
}[OperationName];
export type PlanSettings = Values<typeof SETTINGS>;

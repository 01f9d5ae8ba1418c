import type { Action, ArgCondition, SeccompProfile, SyscallRule } from './profile.js';

const ALLOW: Action = { kind: 'ALLOW', data: 0 };
const EPERM: Action = { kind: 'ERRNO', data: 1 };
const ENOSYS: Action = { kind: 'ERRNO', data: 38 };

/** Allowed to all, by what they are about; names of all machines and both widths together. What is missing here is refused with EPERM. */
const ALLOWED = {
  files: `open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek readahead
    truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 copy_file_range sendfile sendfile64 splice tee vmsplice
    sync fsync fdatasync syncfs sync_file_range flock fcntl fcntl64 ioctl dup dup2 dup3 umask cachestat`,
  trees: `access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 getdents getdents64
    getcwd chdir fchdir mkdir mkdirat mknod mknodat rmdir rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat unlink unlinkat
    chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown fchown32 fchownat utime utimes futimesat utimensat utimensat_time64
    name_to_handle_at listmount statmount inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark`,
  attributes: `getxattr lgetxattr fgetxattr getxattrat listxattr llistxattr flistxattr listxattrat setxattr lsetxattr fsetxattr setxattrat
    removexattr lremovexattr fremovexattr removexattrat`,
  memory: `brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall mseal membarrier remap_file_pages
    memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect map_shadow_stack process_mrelease`,
  processes: `fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid getsid setsid
    pidfd_open pidfd_send_signal kill tkill tgkill prctl rseq set_tid_address set_robust_list get_robust_list set_thread_area get_thread_area
    getrlimit ugetrlimit setrlimit prlimit64 getrusage times getpriority setpriority ioprio_get ioprio_set restart_syscall uretprobe`,
  identity: `getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32
    setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32
    setgroups setgroups32 capget capset seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self`,
  scheduling: `sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler sched_setscheduler
    sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64 getcpu`,
  signals: `rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sigaltstack sigprocmask sigreturn signalfd signalfd4 pause alarm`,
  time: `time gettimeofday adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
    nanosleep getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  waiting: `select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old
    epoll_pwait epoll_pwait2 eventfd eventfd2 futex futex_time64 futex_waitv futex_wait futex_wake futex_requeue pipe pipe2
    io_setup io_submit io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64`,
  sockets: `socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`,
  ipc: `ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
    mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64`,
  machine: `uname sysinfo getrandom riscv_hwprobe`,
  // Linux before 4.8 could be tricked out of its own filter by a tracer; Berth needs a newer one.
  tracing: `ptrace process_vm_readv process_vm_writev`,
} as const satisfies Readonly<Record<string, string>>;

/** Go's names of machines. */
const OF_MACHINES = {
  amd64: 'arch_prctl modify_ldt',
  arm64: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
} as const satisfies Readonly<Record<string, string>>;

/** Some calls are let through to whom the kernel would let use them: it checks again. */
const OF_CAPABILITIES = {
  CAP_BPF: 'bpf',
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_PERFMON: 'perf_event_open',
  CAP_SYSLOG: 'syslog',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr
    move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'init_module finit_module delete_module',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
} as const satisfies Readonly<Record<string, string>>;

/** AF_VSOCK reaches the hypervisor, and no namespace confines it. */
const BLOCKED_FAMILIES = [40];
/** personality(2): Linux, 32-bit Linux, either as kernel 2.6, and the question which it is. What turns protections off is not among them. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** clone(2): CLONE_NEW* of all but the time namespace. */
const NEW_NAMESPACES = 0x7e020000;
const INT = 0xffffffffn;

const NONE = { caps: [], arches: [] };
const rule = (names: string, action: Action, more: Partial<SyscallRule> = {}): SyscallRule => ({ names: names.trim().split(/\s+/), action, args: [], includes: NONE, excludes: NONE, ...more });
const equal = (value: number): readonly ArgCondition[] => [{ index: 0, op: 'EQ', value: BigInt(value), valueTwo: 0n }];
/** `argument & mask == wanted`, of the first argument. */
const masked = (mask: bigint, wanted: bigint): readonly ArgCondition[] => [{ index: 0, op: 'MASKED_EQ', value: mask, valueTwo: wanted }];

/** Equal in effect to Docker's default of 2025 (moby 28): the same calls, the same conditions. */
export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: EPERM,
  rules: [
    rule(Object.values(ALLOWED).join(' '), ALLOW),
    // The kernel reads an int: only its 32 bits are compared, or a family with a bit above them would pass.
    ...BLOCKED_FAMILIES.map((family) => rule('socket', EPERM, { args: masked(INT, BigInt(family)) })),
    rule('socket', ALLOW),
    ...PERSONALITIES.map((persona) => rule('personality', ALLOW, { args: equal(persona) })),
    ...Object.entries(OF_MACHINES).map(([arch, names]) => rule(names, ALLOW, { includes: { caps: [], arches: [arch] } })),
    ...Object.entries(OF_CAPABILITIES).map(([capability, names]) => rule(names, ALLOW, { includes: { caps: [capability], arches: [] } })),
    rule('clone', ALLOW, { args: masked(BigInt(NEW_NAMESPACES), 0n), excludes: { caps: ['CAP_SYS_ADMIN'], arches: [] } }),
    // Its flags are behind a pointer, where no filter sees them; ENOSYS sends libraries back to clone.
    rule('clone3', ENOSYS, { excludes: { caps: ['CAP_SYS_ADMIN'], arches: [] } }),
  ],
};

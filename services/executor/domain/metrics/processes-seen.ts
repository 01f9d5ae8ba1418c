export const TASK_STATES = ['running', 'sleeping', 'stopped', 'uninterruptible'] as const;

/** What is known of a container's processes by looking at each. */
export interface ProcessesSeen {
  readonly processes: number;
  /** Threads, by what they do. */
  readonly states: Readonly<Record<(typeof TASK_STATES)[number], number>>;
  /** Undefined: the kernel is older than 6.2, which does not count them. */
  readonly descriptors?: number;
  /** Soft limit of open files of the first process; Infinity: none. */
  readonly openFilesLimit?: number;
  /** In the network namespace of the first process. */
  readonly sockets?: number;
}

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
  /** Runnable threads, damped over ten seconds. */
  readonly load?: Load;
  /** In the network namespace of the first process. */
  readonly sockets?: number;
}

export interface Load {
  readonly average: number;
  /** When it was so, in seconds. */
  readonly at: number;
}

const DAMPED_SECONDS = 10;

/** The average after one look more, as cAdvisor makes it of its own looks: an old one weighs the less the longer it is past. The first one is what it saw. */
export function loadAfter(before: Load | undefined, runnable: number, at: number): Load {
  const weight = before === undefined ? 0 : Math.exp((before.at - at) / DAMPED_SECONDS);
  return { average: (before?.average ?? 0) * weight + runnable * (1 - weight), at };
}

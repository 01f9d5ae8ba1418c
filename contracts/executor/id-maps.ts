/** Ids of a user namespace in a row, and the host's that stand for them: one line of /proc/PID/uid_map (user_namespaces(7)). */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly size: number;
}

/** Of one user namespace. */
export interface IdMaps {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

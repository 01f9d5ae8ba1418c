import type { Commit } from '#libs/event-store/event.js';
import { type ContainerAt, foldCommit } from '../domain/log/container-fold.js';

/** Folds what the log holds of containers, removed ones included. Commits of other aggregates are passed over. */
export function foldContainers(commits: Iterable<Commit>): Map<string, ContainerAt> {
  const containers = new Map<string, ContainerAt>();
  for (const commit of commits) if (commit.subject.startsWith('berth.event.container.')) foldCommit(containers, commit);
  return containers;
}

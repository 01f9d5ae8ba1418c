import { cgroupParentOf } from '#libs/cgroup/asked-parent.js';
import { invalid } from '#libs/errors/errors.js';

/** In a container's own cgroup it would end with that container. `isContainer` knows this engine's. */
export function checkCgroupParent(asked: string | undefined, isContainer: (id: string) => boolean): void {
  const inside = cgroupParentOf(asked)?.split('/').find(isContainer);
  if (inside !== undefined) throw invalid(`invalid cgroup parent: ${asked} is in the cgroup of container ${inside}`);
}

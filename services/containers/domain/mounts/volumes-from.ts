import type { ContainerMount } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { bindModes, NO_COPY, PROPAGATION } from './bind-modes.js';

/** A mount of another container's, as it is there. */
export interface BorrowedMount {
  readonly target: string;
  readonly borrowed: ContainerMount;
}

/** `--volumes-from name[:ro|:rw|:z|:Z]`: volumes and binds of those containers; of two for one target the later wins. Throws invalid for an unknown container, as dockerd does. */
export function volumesFrom(names: readonly string[] | null | undefined, mountsOf: (container: string) => readonly ContainerMount[] | undefined): BorrowedMount[] {
  const found = new Map<string, BorrowedMount>();
  for (const text of names ?? []) {
    if (text === '') throw invalid('volumes-from specification cannot be an empty string');
    const colon = text.indexOf(':');
    const [container, mode] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
    const modes = bindModes(mode, invalid);
    if (modes.some((one) => PROPAGATION.includes(one) || one === NO_COPY)) throw invalid(`invalid mode: ${mode}`);
    const mounts = mountsOf(container);
    if (mounts === undefined) throw invalid(`No such container: ${container}`);
    for (const mount of mounts) {
      if (mount.type === 'tmpfs') continue;
      const { copyUp: _filled, mode: _said, ...kept } = mount;
      found.set(mount.target, { target: mount.target, borrowed: { ...kept, mode: '', readOnly: mount.readOnly || modes.includes('ro') } });
    }
  }
  return [...found.values()];
}

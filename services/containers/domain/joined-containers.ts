import type { HostConfig } from '#contracts/containers/container-config.js';
import type { LaunchTask, TaskJoins } from '#contracts/executor/tasks.js';
import { conflict, notFound } from '#libs/errors/errors.js';
import type { PresentContainer } from './container/container-state.js';

const named = (mode: string | undefined): string | undefined => /^container:(.+)$/.exec(mode ?? '')?.[1];

/** Containers whose processes, and whose IPC, this one is to share: by name or id, as they were asked for. */
export function joinedContainers({ PidMode, IpcMode }: HostConfig): TaskJoins {
  const [pid, ipc] = [named(PidMode), named(IpcMode)];
  return { ...(pid === undefined ? {} : { pid }), ...(ipc === undefined ? {} : { ipc }) };
}

/** By ids, since a name may be another container's tomorrow. `idOf` rejects one that is not there. */
export function withJoinedIds(host: HostConfig, idOf: (reference: string) => string): HostConfig {
  const { pid, ipc } = joinedContainers(host);
  return { ...host, ...(pid === undefined ? {} : { PidMode: `container:${idOf(pid)}` }), ...(ipc === undefined ? {} : { IpcMode: `container:${idOf(ipc)}` }) };
}

/** What a start joins. Throws in dockerd's words where it cannot; whether the others run is the executor's to say, which has their processes. */
export function joinsOf(host: HostConfig, find: (id: string) => PresentContainer | undefined): Pick<LaunchTask, 'joins'> {
  const joins = joinedContainers(host);
  const { pid, ipc } = joins;
  if (pid !== undefined) checkThere(pid, find(pid), `cannot join PID of a non running container: ${pid}`);
  if (ipc !== undefined) {
    const failed = `can't join IPC of container ${ipc}`;
    const donor = find(ipc);
    checkThere(ipc, donor, failed);
    if (donor && !isShareable(donor)) throw conflict(`${failed}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
  }
  return pid === undefined && ipc === undefined ? {} : { joins };
}

function checkThere(id: string, donor: PresentContainer | undefined, failed: string): void {
  if (!donor) throw notFound(`${failed}: No such container: ${id}`);
  if (donor.status === 'restarting') throw conflict(`Container ${id} is restarting, wait until the container is running`);
}

/** Private is the default. What a user has mounted over /dev/shm is his and no part of the IPC. */
function isShareable({ spec: { hostConfig, mounts } }: PresentContainer): boolean {
  const mode = hostConfig.IpcMode ?? '';
  const shares = mode === 'shareable' || mode === 'host' || named(mode) !== undefined;
  return shares && !mounts.some(({ target }) => target === '/dev/shm' || target === '/dev');
}

import type { HostConfig } from '#contracts/containers/container-config.js';
import type { LaunchTask, TaskJoins } from '#contracts/executor/tasks.js';
import { type BerthError, conflict, invalid, unclassified } from '#libs/errors/errors.js';
import { isRunning, type PresentContainer } from '../container/container-state.js';
import { sharedNetwork } from '../network/shared-network.js';

/** What dockerd says of each before it says why. */
const JOIN_FAILED = { pid: 'failed to join PID namespace', ipc: 'failed to join IPC namespace' };

const named = (mode: string | undefined): string | undefined => /^container:(.+)$/.exec(mode ?? '')?.[1];

/** Containers whose processes, and whose IPC, this one is to share: by name or id, as they were asked for. */
export function joinedContainers({ PidMode, IpcMode }: HostConfig): TaskJoins {
  const [pid, ipc] = [named(PidMode), named(IpcMode)];
  return { ...(pid === undefined ? {} : { pid }), ...(ipc === undefined ? {} : { ipc }) };
}

/** All whose namespaces this one is to share. */
export function lendersOf(host: HostConfig): readonly string[] {
  const network = sharedNetwork(host.NetworkMode);
  return [...new Set([...Object.values(joinedContainers(host)), ...(network === undefined ? [] : [network])])];
}

/** By ids, since a name may be another container's tomorrow. Throws invalid, not not-found: clients would answer that by pulling the image. */
export function withJoinedIds(host: HostConfig, find: (reference: string) => PresentContainer | undefined): HostConfig {
  const { pid, ipc } = joinedContainers(host);
  const idOf = (reference: string): string => {
    const found = find(reference);
    if (!found) throw invalid(`No such container: ${reference}`);
    return found.spec.id;
  };
  return { ...host, ...(pid === undefined ? {} : { PidMode: `container:${idOf(pid)}` }), ...(ipc === undefined ? {} : { IpcMode: `container:${idOf(ipc)}` }) };
}

/** At a start, the same of the network: of a container that was not there when this one was created a name is all that is known. */
export function withLenderId(host: HostConfig, find: (reference: string) => PresentContainer | undefined): HostConfig {
  const network = sharedNetwork(host.NetworkMode);
  const lender = network === undefined ? undefined : find(network);
  return lender === undefined ? host : { ...host, NetworkMode: `container:${lender.spec.id}` };
}

/** What a start joins. Throws as dockerd does where it cannot; whether the others still run is the executor's to say, which has their processes. */
export function joinsOf(host: HostConfig, find: (id: string) => PresentContainer | undefined): Pick<LaunchTask, 'joins'> {
  const network = sharedNetwork(host.NetworkMode);
  if (network !== undefined) checkNetwork(network, find(network));
  const joins = joinedContainers(host);
  const { pid, ipc } = joins;
  if (pid !== undefined) checkThere(pid, find(pid), JOIN_FAILED.pid, unclassified);
  if (ipc !== undefined) {
    const donor = find(ipc);
    checkThere(ipc, donor, JOIN_FAILED.ipc, conflict);
    if (donor && !isRunning(donor)) throw conflict(`${JOIN_FAILED.ipc}: container ${ipc} is not running`);
    if (donor && !isShareable(donor)) throw invalid(`${JOIN_FAILED.ipc}: container ${ipc}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
  }
  return pid === undefined && ipc === undefined ? {} : { joins };
}

function checkNetwork(id: string, lender: PresentContainer | undefined): void {
  if (!lender) throw unclassified(`joining network namespace of container: No such container: ${id}`);
  if (lender.status === 'restarting') throw unclassified(`cannot join network namespace of container: container ${id} is restarting, wait until the container is running`);
  if (!isRunning(lender)) throw conflict(`cannot join network namespace of a non running container: container ${lender.spec.name} is ${lender.status}`);
}

function checkThere(id: string, donor: PresentContainer | undefined, failed: string, refuse: (message: string) => BerthError): void {
  if (!donor) throw unclassified(`${failed}: No such container: ${id}`);
  if (donor.status === 'restarting') throw refuse(`${failed}: container ${id} is restarting, wait until the container is running`);
}

/** Private is the default. What a user has mounted over /dev/shm is his and no part of the IPC. */
function isShareable({ spec: { hostConfig, mounts } }: PresentContainer): boolean {
  const mode = hostConfig.IpcMode ?? '';
  const shares = mode === 'shareable' || mode === 'host' || named(mode) !== undefined;
  return shares && !mounts.some(({ target }) => target === '/dev/shm' || target === '/dev');
}

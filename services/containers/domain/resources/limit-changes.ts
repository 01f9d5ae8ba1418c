import type { HostConfig, LimitChanges } from '#contracts/containers/container-config.js';
import type { TaskResources } from '#contracts/executor/tasks.js';
import { conflict } from '#libs/errors/errors.js';
import { resourcesOf } from '../launch-request.js';

/** What goes together in the kernel, or follows from one another: changed in one, all are written. */
const GROUPS: readonly (readonly (keyof LimitChanges & keyof HostConfig)[])[] = [['Memory', 'MemorySwap'], ['MemoryReservation'], ['NanoCpus', 'CpuQuota', 'CpuPeriod'], ['CpuRealtimePeriod', 'CpuRealtimeRuntime'], ['CpuShares'], ['CpusetCpus'], ['CpusetMems'], ['BlkioWeight']];

/** Throws what dockerd says of changes that do not go together with what the container `id` has (container/container_unix.go, UpdateContainer). */
export function checkLimitChanges(id: string, { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, MemorySwap: swap = 0, AutoRemove = false }: HostConfig, changes: LimitChanges): void {
  const refuse = (message: string): never => {
    throw conflict(`Cannot update container ${id}: ${message}`);
  };
  if (changes.NanoCpus && period > 0) refuse('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set');
  if (changes.NanoCpus && quota > 0) refuse('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set');
  if (changes.CpuPeriod && nano > 0) refuse('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set');
  if (changes.CpuQuota && nano > 0) refuse('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set');
  if (changes.Memory && swap >= 0 && changes.Memory > swap && !changes.MemorySwap) refuse('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
  const policy = changes.RestartPolicy?.Name;
  if (AutoRemove && policy && policy !== 'no') refuse('Restart policy cannot be updated because AutoRemove is enabled for the container');
}

export const withChanges = (hostConfig: HostConfig, changes: LimitChanges): HostConfig => ({ ...hostConfig, ...changes });

/** What of `updated`, which has `changes` in it, is to be written to the cgroup of a running container. Undefined: nothing. */
export function changedLimits(updated: HostConfig, changes: LimitChanges): TaskResources | undefined {
  const affected = GROUPS.filter((group) => group.some((field) => changes[field] !== undefined)).flat();
  const resources = resourcesOf(Object.fromEntries(affected.map((field) => [field, updated[field]])));
  const all = { ...resources, ...(changes.PidsLimit === undefined ? {} : { pidsLimit: changes.PidsLimit }) };
  return Object.keys(all).length === 0 ? undefined : all;
}

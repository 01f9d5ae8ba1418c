import { isDeepStrictEqual } from 'node:util';
import type { HostConfig, LimitChanges } from '#contracts/containers/container-config.js';
import type { EditedPart } from '#contracts/containers/edit.js';
import type { EditableSpec } from './apply-changes.js';

export const LIMITS = ['Memory', 'MemorySwap', 'MemoryReservation', 'NanoCpus', 'CpuShares', 'CpuQuota', 'CpuPeriod', 'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'CpusetCpus', 'CpusetMems', 'PidsLimit', 'BlkioWeight'] as const satisfies readonly (keyof LimitChanges & keyof HostConfig)[];

/** The parts of a wish, and what each consists of. */
const PARTS: Readonly<Record<EditedPart, (spec: EditableSpec) => unknown>> = {
  ports: ({ config, hostConfig }) => [config.ExposedPorts ?? {}, hostConfig.PortBindings ?? {}, hostConfig.PublishAllPorts ?? false],
  limits: ({ hostConfig }) => LIMITS.map((limit) => hostConfig[limit] ?? 0),
  'restart-policy': ({ hostConfig, restartWhenUnhealthy }) => [hostConfig.RestartPolicy, restartWhenUnhealthy],
  labels: ({ config }) => config.Labels ?? {},
  env: ({ config }) => config.Env ?? [],
  command: ({ path, args }) => [path, ...args],
  mounts: ({ mounts }) => mounts,
};

export function editedParts(before: EditableSpec, after: EditableSpec): EditedPart[] {
  return (Object.keys(PARTS) as EditedPart[]).filter((part) => !isDeepStrictEqual(PARTS[part](before), PARTS[part](after)));
}

/** What of `parts` changes of a container while it runs. */
export function livePart(part: EditedPart): boolean {
  return part === 'ports' || part === 'limits' || part === 'labels' || part === 'restart-policy';
}

/** The limits that differ; one that was taken away is none that a running container can lose. */
export function changedLimitFields(before: HostConfig, after: HostConfig): { readonly changes: LimitChanges; readonly lost: boolean } {
  const differing = LIMITS.filter((limit) => (before[limit] ?? 0) !== (after[limit] ?? 0));
  const changes = Object.fromEntries(differing.flatMap((limit) => (after[limit] ? [[limit, after[limit]]] : limit === 'PidsLimit' ? [[limit, 0]] : [])));
  return { changes, lost: Object.keys(changes).length < differing.length };
}

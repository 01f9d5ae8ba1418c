import type { ContainerAt } from './container-table.js';
import { wholeDuration } from './durations.js';
import { shortId, textTable } from './text-table.js';
import type { Usage } from './usage-samples.js';

/** A container as `berth top --json` tells it. */
export interface TopRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** When the status began. */
  readonly since: string;
  readonly protected: boolean;
  /** The last run that ended. */
  readonly lastExit?: { readonly code: number; readonly reason: string; readonly at: string };
  readonly cpuPercent?: number;
  readonly memoryBytes?: number;
  /** 0: none. */
  readonly memoryLimitBytes: number;
  /** By its policy, since somebody last started it. */
  readonly restarts: number;
}

/** What runs comes first, by its CPU; the rest by what changed last. */
export function topRows(containers: readonly ContainerAt[], usages: ReadonlyMap<string, Usage>): readonly TopRow[] {
  const rows = containers.filter(({ status }) => status !== 'removed').map((container) => rowOf(container, usages.get(container.id)));
  return rows.toSorted((one, other) => Number(other.cpuPercent !== undefined) - Number(one.cpuPercent !== undefined) || (other.cpuPercent ?? 0) - (one.cpuPercent ?? 0) || (one.since < other.since ? 1 : -1));
}

function rowOf(container: ContainerAt, usage: Usage | undefined): TopRow {
  const { id, name, status, since, restarts, created, protectedBy } = container;
  const exit = container.exit ?? container.lastExit;
  return {
    id, name, status, since, protected: protectedBy !== undefined,
    ...(exit === undefined ? {} : { lastExit: { code: exit.exitCode, reason: exit.reason, at: exit.at } }),
    ...(usage?.cpuPercent === undefined ? {} : { cpuPercent: Math.round(usage.cpuPercent * 100) / 100 }),
    ...(usage === undefined ? {} : { memoryBytes: usage.memoryBytes }),
    memoryLimitBytes: created.hostConfig.Memory ?? 0,
    restarts,
  };
}

/** `now`: milliseconds since 1970. */
export function topTable(rows: readonly TopRow[], now: number): string {
  return textTable(
    ['NAME', 'STATUS', 'FOR', 'CPU %', 'MEMORY', 'RESTARTS', 'LAST EXIT', 'CONTAINER ID'],
    rows.map(({ id, name, status, since, cpuPercent, memoryBytes, memoryLimitBytes, restarts, lastExit, protected: kept }) => [
      name,
      `${status}${kept ? ', protected' : ''}`,
      wholeDuration(now - Date.parse(since)),
      cpuPercent?.toFixed(1) ?? '-',
      memoryBytes === undefined ? '-' : `${size(memoryBytes)}${memoryLimitBytes > 0 ? ` of ${size(memoryLimitBytes)}` : ''}`,
      String(restarts),
      lastExit === undefined ? '-' : `${lastExit.reason} (${lastExit.code}), ${wholeDuration(now - Date.parse(lastExit.at))} ago`,
      shortId(id),
    ]),
  );
}

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * step);
  return `${value >= 100 || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

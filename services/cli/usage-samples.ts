import type { EngineApi } from './engine-api.js';

/** What of dockerd's stats counts here; a container that does not run has none of it. */
interface Stats {
  readonly read: string;
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly usage?: number; readonly limit?: number; readonly stats?: Readonly<Record<string, number>> };
}

export interface Sample {
  /** Since 1970. */
  readonly atMs: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
}

export interface Usage {
  /** 100: one CPU's worth. Undefined before the second sample. */
  readonly cpuPercent: number | undefined;
  readonly memoryBytes: number;
}

/** Asked for at once. */
const BATCH = 20;

/** A sample of each that runs; what ended meanwhile is passed over. */
export async function takeSamples(api: Pick<EngineApi, 'get'>, ids: readonly string[]): Promise<ReadonlyMap<string, Sample>> {
  const samples = new Map<string, Sample>();
  for (let first = 0; first < ids.length; first += BATCH) {
    await Promise.all(
      ids.slice(first, first + BATCH).map(async (id) => {
        const stats = await api.get<Stats>(`/v1.41/containers/${id}/stats?stream=false&one-shot=true`).catch(() => undefined);
        const sample = stats && sampleOf(stats);
        if (sample !== undefined) samples.set(id, sample);
      }),
    );
  }
  return samples;
}

/** As the docker CLI counts memory: without file pages that nobody has used for a while. */
export function sampleOf({ read, cpu_stats: cpu, memory_stats: memory }: Stats): Sample | undefined {
  if (cpu?.cpu_usage?.total_usage === undefined || memory?.usage === undefined) return undefined;
  const idle = memory.stats?.['total_inactive_file'] ?? memory.stats?.['inactive_file'] ?? 0;
  return { atMs: Date.parse(read), cpuNanoseconds: cpu.cpu_usage.total_usage, memoryBytes: Math.max(0, memory.usage - idle) };
}

/** A counter that went back is another run's. */
export function usageOf(before: Sample | undefined, now: Sample): Usage {
  const elapsedMs = now.atMs - (before?.atMs ?? now.atMs);
  const used = now.cpuNanoseconds - (before?.cpuNanoseconds ?? 0);
  return { cpuPercent: before === undefined || elapsedMs <= 0 || used < 0 ? undefined : used / elapsedMs / 1e4, memoryBytes: now.memoryBytes };
}

import { compressRotated } from '../../adapters/logs/compress-log.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import type { LogFields } from '#libs/telemetry/log-record.js';

/**
 * Compresses what is rotated of containers' logs where they are to be compressed, one file at a time in this executor: it has all the time that the log takes to fill the
 * next one, and others want the processors. zlib works on a thread of Node's pool.
 */
export class LogCompression {
  private readonly wanted = new Set<string>();
  private readonly stopping = new AbortController();
  private working: Promise<void> | undefined;

  constructor(
    private readonly files: ContainerFiles,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  /** The container's log may have rotated files. Twice is once. */
  look(container: string): void {
    this.wanted.add(container);
    this.working ??= this.work();
  }

  /** What was rotated while no executor was there, or was left half done by the last one. */
  lookAtAll(): void {
    for (const container of this.files.containers()) this.look(container);
  }

  /** What is half done is left so: the next executor's `lookAtAll` finds it. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.working;
  }

  private async work(): Promise<void> {
    const { signal } = this.stopping;
    for (const container of this.wanted) {
      this.wanted.delete(container);
      if (signal.aborted) return;
      try {
        if ((await this.files.keptLog(container))?.compress) await compressRotated(this.files.log(container), signal);
      } catch (error) {
        // Removed meanwhile, with its folder; or this executor is stopping.
        if (!signal.aborted && (error as NodeJS.ErrnoException).code !== 'ENOENT') this.onError(error, { container });
      }
    }
    this.working = undefined;
  }
}

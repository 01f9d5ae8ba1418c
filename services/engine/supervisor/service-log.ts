import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { errorMessage } from '#libs/errors/errors.js';
import { removeFile } from './process-file.js';

const LIMIT_BYTES = 10 * 1024 * 1024;
const PART_BYTES = 1024 * 1024;

/** The file that a service writes its log to. What is too long goes to `.1`. */
export class ServiceLog {
  private cutting: Promise<void> | undefined;

  constructor(
    private readonly path: string,
    private readonly tell: (line: string) => void,
  ) {}

  /** At any time, whoever writes: who does has it open for appending. Never rejects: what went wrong is told, and the next look tries again. */
  cut(): Promise<void> {
    this.cutting ??= this.cutNow()
      .catch((error: unknown) => this.tell(`${this.path} could not be cut: ${errorMessage(error)}`))
      .finally(() => (this.cutting = undefined));
    return this.cutting;
  }

  private async cutNow(): Promise<void> {
    const log = openIfThere(this.path);
    if (log === undefined) return;
    try {
      if (fstatSync(log).size <= LIMIT_BYTES) return;
      await this.keep(log).catch(() => removeFile(`${this.path}.1`)); // the disk is full: space first
      ftruncateSync(log, 0);
    } finally {
      closeSync(log);
    }
  }

  /** Right behind its end the log is cut: only what is written between the two is lost. */
  private async keep(log: number): Promise<void> {
    const kept = openSync(`${this.path}.1`, 'w', fstatSync(log).mode & 0o777);
    try {
      const part = Buffer.allocUnsafe(PART_BYTES);
      let at = 0;
      for (;;) {
        const bytes = readSync(log, part, 0, part.length, at);
        for (let written = 0; written < bytes; ) written += writeSync(kept, part, written, bytes - written);
        if (bytes < part.length) return;
        at += bytes;
        // Services are watched meanwhile, however long it is.
        await setImmediate();
      }
    } finally {
      closeSync(kept);
    }
  }
}

/** Not there yet, or moved away by somebody: undefined. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

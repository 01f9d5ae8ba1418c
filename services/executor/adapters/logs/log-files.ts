import { closeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { internal } from '#libs/errors/errors.js';
import { shareDirectory } from '#libs/linux/file-lock.js';
import type { Fd } from '#libs/linux/native.js';
import { CompressedLog } from './compressed-log.js';
import { HeldFiles } from './held-files.js';
import type { LogIdentity, LogLines } from './log-lines.js';
import { identityOf, PlainLog } from './plain-log.js';

/** What rotation has removed takes room on the disk as long as somebody holds it open: a reader that stands still must not fill the disk. */
const MOST_HELD_BYTES = 1 << 30;
/** Of 20,000 descriptors that a process has at the least, and needs for starts and clients. */
const IN_THIS_PROCESS = new HeldFiles(4_096);
/** How often, and for how long, a directory is asked for that somebody has for himself: the shim and the compressor have it for a moment. */
const [LOCK_AGAIN_MS, MOST_LOCK_TRIES] = [1, 1_000];

/**
 * The files of one log that its writer rotates: PATH, then PATH.1 and so on, older and older; a rotated one may be compressed, PATH.1.gz, or be so at any moment. Each is
 * opened when it is first seen and held, in the form that it has then, until it is read: renaming, compressing or removing it takes nothing from the reader. Dispose of it, and of every file that `shift` gave.
 */
export class LogFiles implements AsyncDisposable {
  private readonly ahead: LogLines[] = [];
  /** Of the newest file seen. */
  private newest: LogIdentity | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly mostHeldBytes = MOST_HELD_BYTES,
    private readonly held = IN_THIS_PROCESS,
  ) {}

  /** How many files wait to be read. */
  get count(): number {
    return this.ahead.length;
  }

  /** Opens what is new since the last look. Once the reader is too far behind, rejects for ever, and holds nothing. */
  look(): Promise<void> {
    this.looking = this.looking.then(() => this.lookNow());
    return this.looking;
  }

  /** The oldest file that was not read yet. */
  shift(): LogLines | undefined {
    const file = this.ahead.shift();
    this.noteHeld();
    return file;
  }

  /** Leaves of what is ahead the last `lines` lines, -1: all. */
  async keepTail(lines: number): Promise<void> {
    if (lines < 0) return;
    let wanted = lines;
    for (const [index, file] of [...this.ahead.entries()].toReversed()) {
      const isNewest = index === this.ahead.length - 1;
      if (wanted > 0 || isNewest) wanted -= await file.seekFromEnd(wanted);
      else await this.ahead.splice(index, 1)[0]?.[Symbol.asyncDispose]();
    }
    this.noteHeld();
  }

  /** Leaves of what is ahead what comes after an offset in one file; all of it, when that file is not there any more. */
  async keepFrom(identity: LogIdentity, offset: number): Promise<void> {
    const at = this.ahead.findIndex((file) => file.identity === identity);
    if (at < 0) return;
    await close(this.ahead.splice(0, at));
    this.noteHeld();
    await this.ahead[0]?.seek(offset);
  }

  /** Nothing that is written from now on is read. */
  async endHere(): Promise<void> {
    for (const file of this.ahead) await file.endHere();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.looking.catch(() => undefined);
    await this.letGo();
  }

  private async lookNow(): Promise<void> {
    if (this.newest !== undefined && (await identityAt(this.path)) === this.newest) return;
    const held = await sharedDirectory(dirname(this.path));
    try {
      await this.openNew();
    } finally {
      if (held !== undefined) closeSync(held);
    }
    await this.limit();
  }

  /**
   * From the newest to older ones. No rotation comes between, which would make numbers of a look mean files of several times, and their order none. A shim that died in the middle of one left
   * a number missing; three in a row are the end. A look that fails keeps nothing: a handle that is left to the garbage collector ends the process.
   */
  private async openNew(): Promise<void> {
    const found: LogLines[] = [];
    await using looked = new AsyncDisposableStack();
    looked.defer(() => this.noteHeld());
    for (let number = 0, missing = 0; missing < 3; number++) {
      const file = number === 0 ? await unlessMissing(PlainLog.open(this.path)) : await openRotated(`${this.path}.${number}`);
      missing = file ? 0 : missing + 1;
      if (!file) continue;
      const isKnown = file.identity === this.newest;
      if (isKnown || found.some(({ identity }) => identity === file.identity)) await file[Symbol.asyncDispose]();
      else found.push(looked.use(file));
      if (isKnown) break;
      this.noteHeld(found.length);
      if (this.held.isTooMuchOf(this)) await this.giveUp(`${this.ahead.length + found.length} files`);
    }
    this.newest = found[0]?.identity ?? this.newest;
    this.ahead.push(...found.reverse());
    looked.move();
  }

  private async limit(): Promise<void> {
    let held = 0;
    for (const file of this.ahead) held += await file.keptBytes();
    if (held > this.mostHeldBytes) await this.giveUp(`more than ${this.mostHeldBytes} bytes`);
  }

  private async giveUp(behind: string): Promise<never> {
    await this.letGo();
    throw internal(`the reader of this log is ${behind} behind`);
  }

  private noteHeld(found = 0): void {
    this.held.note(this, this.ahead.length + found);
  }

  private async letGo(): Promise<void> {
    await close(this.ahead.splice(0));
    this.noteHeld();
  }
}

/** While it is held, no number changes: the shim puts its rotation off (shim/log.c), so it is held for a moment only. Undefined: it is gone, or somebody keeps it. */
async function sharedDirectory(directory: string): Promise<Fd | undefined> {
  for (let tries = 0; tries < MOST_LOCK_TRIES; tries++) {
    try {
      const held = shareDirectory(directory);
      if (held !== undefined) return held;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    await delay(LOCK_AGAIN_MS);
  }
  return undefined;
}

/** The plain form first: while a file is there in both, or loses the plain one, the other is whole. */
const openRotated = async (path: string): Promise<LogLines | undefined> => (await unlessMissing(PlainLog.open(path))) ?? (await unlessMissing(CompressedLog.open(`${path}.gz`)));

async function unlessMissing(opening: Promise<LogLines | undefined>): Promise<LogLines | undefined> {
  try {
    return await opening;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All of them, whether one fails or not. */
async function close(files: readonly LogLines[]): Promise<void> {
  await Promise.all(files.map((file) => file[Symbol.asyncDispose]()));
}

async function identityAt(path: string): Promise<LogIdentity | undefined> {
  try {
    return identityOf(await stat(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompressSync, zstdDecompress } from 'node:zlib';
import { internal } from '#libs/errors/errors.js';
import type { FrozenChronicle } from '../../domain/log/chronicle.js';

/** Change it with the shape of the files, and with whatever a Chronicle makes of events: older chapters are then made anew. */
const FORMAT = 6;

/** What is known of a chapter without its parts. Times in milliseconds since 1970; without one of dockerd's events `leastAt` is null. */
export interface ChapterHead {
  /** Positions of its first and last commit. */
  readonly first: number;
  readonly last: number;
  /** Of the commit at `last`: whether this is a chapter of this log. */
  readonly hash: string;
  /** Of its commits' times. */
  readonly earliest: number;
  readonly latest: number;
  /** Of dockerd's events in it. */
  readonly leastAt: number | null;
  readonly mostAt: number | null;
  /** Filter of the keys of those whom its commits concern, and of what has gone in it: most chapters have not what is looked for. */
  readonly keys: Uint8Array;
}

/** Whom its commits concern: the hash of a key beside the offset of a commit from `first`. */
export interface Concerns {
  readonly hashes: Uint32Array;
  readonly offsets: Uint32Array;
}

export interface ChapterIndex {
  readonly concerns: Concerns;
  /** What has gone in it, one JSON a line. */
  readonly gone: string;
}

export interface Chapter extends ChapterIndex {
  readonly head: ChapterHead;
  /** What there was at its end. */
  readonly state: FrozenChronicle;
}

const decompress = promisify(zstdDecompress);

/**
 * Chapters of the log in files of a directory, two each: an index and the state at its end. They only save time: where one is wrong all from it on are made anew.
 * The second one is written when the first is there, and each appears at once.
 */
export class ChapterFiles {
  constructor(private readonly directory: string) {}

  /** All chapters there are from the first on, in order; what does not belong to them is removed. `isOurs`: whether a chapter is one of this log. */
  async load(isOurs: (head: ChapterHead) => Promise<boolean>): Promise<ChapterHead[]> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const names = new Set(await readdir(this.directory));
    const heads: ChapterHead[] = [];
    for (; names.has(nameOf(heads.length, 'index')) && names.has(nameOf(heads.length, 'state')); ) {
      const head = await this.headOf(heads.length);
      if (head === undefined || head.first !== (heads.at(-1)?.last ?? 0) + 1) break;
      heads.push(head);
    }
    // Of another log, or the disk lost what was written last.
    for (let newest = heads.at(-1); newest && !((await isOurs(newest)) && (await this.isReadable(heads.length - 1))); newest = heads.at(-1)) heads.pop();
    for (const name of names) if (Number.parseInt(name, 10) >= heads.length || name.endsWith('.next')) await rm(join(this.directory, name), { force: true });
    return heads;
  }

  /** Some milliseconds of work, in place: who reads a long log at once would be far ahead of files that are written beside it. Throws what the disk says. */
  save(number: number, { head, concerns, gone, state }: Chapter): void {
    const frozen = zstdCompressSync(JSON.stringify(state), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    this.write(nameOf(number, 'state'), [frozen]);
    const { keys, ...told } = head;
    const parts = [Buffer.from(concerns.hashes.buffer), Buffer.from(concerns.offsets.buffer), Buffer.from(keys), Buffer.from(gone)];
    const line = JSON.stringify({ format: FORMAT, ...told, count: concerns.hashes.length, keyBytes: keys.length, stateBytes: frozen.length, sha256: checksum(parts) });
    this.write(nameOf(number, 'index'), [Buffer.from(`${line}\n`), ...parts]);
  }

  async index(number: number): Promise<ChapterIndex> {
    const read = await this.read(number);
    if (read === undefined) throw this.damaged(number);
    const { parts, count, head: { keys } } = read;
    // Copies: a part of a Buffer may lie where no number of four bytes may begin.
    const numbers = (from: number): Uint32Array => new Uint32Array(parts.buffer.slice(parts.byteOffset + from, parts.byteOffset + from + 4 * count));
    return { concerns: { hashes: numbers(0), offsets: numbers(4 * count) }, gone: parts.toString('utf8', 8 * count + keys.length) };
  }

  async state(number: number): Promise<FrozenChronicle> {
    try {
      return JSON.parse((await decompress(await readFile(join(this.directory, nameOf(number, 'state'))))).toString('utf8')) as FrozenChronicle; // what `save` wrote
    } catch (error) {
      throw this.damaged(number, error);
    }
  }

  private isReadable(number: number): Promise<boolean> {
    return this.state(number).then(() => true, () => false);
  }

  /** Undefined: one of its files is not whole. They are not synced, so that a power cut may take the newest. */
  private async headOf(number: number): Promise<ChapterHead | undefined> {
    const read = await this.read(number);
    const { size } = await stat(join(this.directory, nameOf(number, 'state')));
    return read?.stateBytes === size ? read.head : undefined;
  }

  private async read(number: number): Promise<{ readonly head: ChapterHead; readonly count: number; readonly stateBytes: number; readonly parts: Buffer } | undefined> {
    try {
      const bytes = await readFile(join(this.directory, nameOf(number, 'index')));
      const end = bytes.indexOf(10);
      const { format, count, keyBytes, stateBytes, sha256, ...told } = JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0))) as Omit<ChapterHead, 'keys'> & { readonly format: number; readonly count: number; readonly keyBytes: number; readonly stateBytes: number; readonly sha256: string };
      const parts = bytes.subarray(end + 1);
      // A copy, which does not keep the rest.
      const head = { ...told, keys: Uint8Array.from(parts.subarray(8 * count, 8 * count + keyBytes)) };
      return format === FORMAT && sha256 === checksum([parts]) ? { head, count, stateBytes, parts } : undefined;
    } catch {
      return undefined;
    }
  }

  private write(name: string, parts: readonly Buffer[]): void {
    const path = join(this.directory, name);
    try {
      writeFileSync(`${path}.next`, Buffer.concat(parts), { mode: 0o600 });
      renameSync(`${path}.next`, path);
    } catch (error) {
      rmSync(`${path}.next`, { force: true });
      throw error;
    }
  }

  private damaged(number: number, cause?: unknown): Error {
    return internal(`chapter ${number} in ${this.directory} is damaged: remove that directory and start the engine again, which makes it anew`, cause);
  }
}

const nameOf = (number: number, part: 'index' | 'state'): string => `${number}.${part}`;

function checksum(parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

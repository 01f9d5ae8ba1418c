import { closeSync, fsyncSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32, createDeflateRaw } from 'node:zlib';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { lockDirectory } from '#libs/linux/file-lock.js';
import type { Fd } from '#libs/linux/native.js';
import { CompressedLog } from './compressed-log.js';
import { gzipHeader, gzipTrailer } from './gzip-frame.js';
import type { LogIdentity } from './log-lines.js';
import { bytesOf, identityOf } from './plain-log.js';

const LOCK_AGAIN_MS = 5;

/**
 * Compresses what is rotated of the log at `path` and is not yet: PATH.1 becomes PATH.1.gz and so on, the oldest first. Each file is there in one form or the other at
 * any moment; in both, when this process dies in between, until the next call: readers take the plain one. The shim may rotate meanwhile. Rejects when `signal` aborts:
 * the next call begins anew what is half done. One call at a time for one log.
 */
export async function compressRotated(path: string, signal: AbortSignal): Promise<void> {
  const made = `${path}.gz.tmp`;
  try {
    for (let oldest = oldestPlain(path); oldest !== undefined; oldest = oldestPlain(path)) {
      const file = await opened(`${path}.${oldest}`);
      if (!file) continue; // it has another number by now
      try {
        const identity = identityOf(await file.stat({ bigint: true }));
        const isMade = (await compressedIdentity(`${path}.${oldest}.gz`)) === identity;
        if (!isMade) await compress(file, identity, made, signal);
        await failpoint('log.compressed');
        await putInPlace(path, identity, isMade ? undefined : made, signal);
      } finally {
        await file.close();
      }
    }
  } finally {
    await rm(made, { force: true });
  }
}

/** The whole of it is on the disk when this resolves: it takes the place of the only copy. */
async function compress(from: FileHandle, identity: LogIdentity, to: string, signal: AbortSignal): Promise<void> {
  const file = await open(to, 'w', 0o640);
  try {
    let written = 0;
    // Of a disk that is full a write takes a part.
    const write = async (chunk: Buffer): Promise<void> => {
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at, chunk.length - at, written + at)).bytesWritten;
      written += chunk.length;
    };
    await write(gzipHeader(identity));
    let crc = 0;
    let bytes = 0;
    const measured = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of bytesOf(from)) {
        crc = crc32(chunk, crc);
        bytes += chunk.length;
        yield chunk;
      }
    };
    const writeAll = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) await write(chunk);
    };
    await pipeline(Readable.from(measured(), { objectMode: false }), createDeflateRaw(), writeAll, { signal });
    await write(gzipTrailer(crc, bytes));
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** `made`: absent where it has its name already. One that was rotated away meanwhile is gone in either form. */
async function putInPlace(path: string, identity: LogIdentity, made: string | undefined, signal: AbortSignal): Promise<void> {
  const held = await heldDirectory(dirname(path), signal);
  try {
    const number = plainNumbers(path).find((one) => identityOf(statSync(`${path}.${one}`, { bigint: true })) === identity);
    if (number === undefined) return;
    if (made !== undefined) renameSync(made, `${path}.${number}.gz`);
    fsyncSync(held);
    await failpoint('log.in-place');
    unlinkSync(`${path}.${number}`);
  } finally {
    closeSync(held);
  }
}

/** While it is held no number changes: the shim puts its rotation off (shim/log.c), so it is held for a moment only. */
async function heldDirectory(directory: string, signal: AbortSignal): Promise<Fd> {
  for (;;) {
    const held = lockDirectory(directory);
    if (held !== undefined) return held;
    await delay(LOCK_AGAIN_MS, undefined, { signal });
  }
}

const oldestPlain = (path: string): number | undefined => plainNumbers(path).at(-1);

/** Ascending. */
function plainNumbers(path: string): number[] {
  const name = `${basename(path)}.`;
  const numbers = readdirSync(dirname(path)).flatMap((file) => (file.startsWith(name) && /^\d+$/.test(file.slice(name.length)) ? Number(file.slice(name.length)) : []));
  return numbers.toSorted((one, other) => one - other);
}

async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function compressedIdentity(path: string): Promise<LogIdentity | undefined> {
  try {
    await using file = await CompressedLog.open(path);
    return file?.identity;
  } catch {
    return undefined;
  }
}

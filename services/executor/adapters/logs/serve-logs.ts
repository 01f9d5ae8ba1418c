import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { dirname } from 'node:path';
import { LogLines } from './log-lines.js';
import { isPast, isWanted, type LogFilter, logBytes, parseRecord } from './log-record.js';

export interface LogRequest extends LogFilter {
  readonly path: string;
  /** Lines from the end, -1: all. */
  readonly tail: number;
  readonly follow: boolean;
}

/** Who is still writing: `ended` is true once nothing more will come; `onEnd` tells when that happens. */
export interface LogWriter {
  ended(): boolean;
  onEnd(listener: () => void): () => void;
}

/** Writes a container's log to `out` and ends it; when following, with the container. The reader's pace is the pace. */
export async function serveLogs(request: LogRequest, writer: LogWriter, out: Writable): Promise<void> {
  let gone = false;
  out.on('close', () => (gone = true));
  const files = await filesInOrder(request);
  try {
    for (const [index, file] of files.entries()) {
      const isNewest = index === files.length - 1;
      if (await copy(file, request, out, () => gone)) return;
      if (isNewest && request.follow) await follow(file, request, writer, out, () => gone);
    }
    if (files.length === 0 && request.follow && !writer.ended()) {
      await changed(request.path, writer, out);
      if (!gone) return await serveLogs({ ...request, tail: -1 }, writer, out);
    }
  } finally {
    for (const file of files) await file[Symbol.asyncDispose]();
    if (!gone) out.end();
  }
}

/** Oldest first, each at the line where reading begins. */
async function filesInOrder({ path, tail }: LogRequest): Promise<LogLines[]> {
  const files: LogLines[] = [];
  let wanted = tail < 0 ? Number.POSITIVE_INFINITY : tail;
  for (let number = 0; wanted > 0 || number === 0; number++) {
    const file = await LogLines.open(number === 0 ? path : `${path}.${number}`);
    if (!file) break;
    files.unshift(file);
    if (Number.isFinite(wanted)) wanted -= await file.seekFromEnd(wanted);
  }
  return files;
}

/** True when a record past `until` was met: nothing after it can be wanted. */
async function copy(file: LogLines, filter: LogFilter, out: Writable, isGone: () => boolean): Promise<boolean> {
  for (let lines = await file.next(); lines.length > 0; lines = await file.next()) {
    const records = lines.map(parseRecord).filter((record) => record !== undefined);
    const bytes = Buffer.concat(records.filter((record) => isWanted(record, filter)).map((record) => logBytes(record, filter)));
    if (isGone()) return true;
    if (bytes.length > 0 && !out.write(bytes)) await drained(out);
    if (records.some((record) => isPast(record, filter))) return true;
  }
  return isGone();
}

async function follow(newest: LogLines, request: LogRequest, writer: LogWriter, out: Writable, isGone: () => boolean): Promise<void> {
  let file = newest;
  while (!isGone()) {
    // Asked before reading: what was written before the end is then read for certain.
    const ended = writer.ended();
    if (await copy(file, request, out, isGone)) return;
    const rotated = await isOther(file, request.path);
    if (rotated) {
      const next = await LogLines.open(request.path);
      if (next) {
        await copy(file, request, out, isGone);
        if (file !== newest) await file[Symbol.asyncDispose]();
        file = next;
        continue;
      }
    }
    if (ended) break;
    await changed(request.path, writer, out, file);
  }
  if (file !== newest) await file[Symbol.asyncDispose]();
}

async function isOther(file: LogLines, path: string): Promise<boolean> {
  try {
    return (await stat(path)).ino !== file.inode;
  } catch {
    return false;
  }
}

/** Resolves when something in the log's folder changes, the writer ends, or the reader goes. */
function changed(path: string, writer: LogWriter, out: Writable, file?: LogLines): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dirname(path), () => finish());
    const unlisten = writer.onEnd(() => finish());
    const finish = (): void => {
      watcher.close();
      unlisten();
      out.off('close', finish);
      resolve();
    };
    watcher.on('error', finish);
    out.on('close', finish);
    // What happened between the last read and the watch would be missed: look once more now that it stands.
    if (writer.ended()) finish();
    else void file?.hasMore().then((more) => more && finish());
  });
}

function drained(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      out.off('drain', finish).off('close', finish);
      resolve();
    };
    out.on('drain', finish).on('close', finish);
  });
}

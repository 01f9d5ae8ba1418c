import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { errorMessage } from '#libs/errors/errors.js';
import { FolderChanges } from './folder-changes.js';
import { followLog, type LogWriter } from './follow-log.js';
import { LogFiles } from './log-files.js';
import { failureBytes, isPast, isWanted, type LogFilter, logBytes, parseRecord } from './log-record.js';

export interface LogRequest extends LogFilter {
  readonly path: string;
  /** Lines from the end, -1: all. */
  readonly tail: number;
  readonly follow: boolean;
}

/** Writes a container's log to `out`. Resolves at its end; when following, at the container's. The reader's pace is the pace: nobody else waits for it. `onUnread`: a log that could not be read, which the reader is told, too. */
export async function serveLogs(request: LogRequest, writer: LogWriter, out: Writable, onUnread: () => void): Promise<void> {
  const files = new LogFiles(request.path);
  try {
    if (request.follow && !writer.ended()) await follow(files, request, writer, out);
    else await readOnce(files, request, out);
  } catch (error) {
    onUnread();
    if (out.writable) out.write(failureBytes(errorMessage(error), request));
  } finally {
    await files[Symbol.asyncDispose]();
  }
}

/** What is there now. */
async function readOnce(files: LogFiles, request: LogRequest, out: Writable): Promise<void> {
  await files.look();
  await files.endHere();
  await files.keepTail(request.tail);
  for (let file; (file = files.shift()); ) {
    await using current = file;
    for (let lines = await current.next(); lines.length > 0; lines = await current.next()) if (await copy(lines, request, out)) return;
  }
}

async function follow(files: LogFiles, request: LogRequest, writer: LogWriter, out: Writable): Promise<void> {
  // A reader that waits for its own reader still holds what is rotated meanwhile.
  using changes = new FolderChanges(dirname(request.path), () => void files.look().catch(() => undefined));
  const touch = (): void => changes.touch();
  const unlisten = writer.onEnd(touch);
  out.on('close', touch);
  try {
    await files.look();
    await files.keepTail(request.tail);
    for await (const { lines } of followLog(files, changes, writer, () => out.destroyed)) if (await copy(lines, request, out)) return;
  } finally {
    out.off('close', touch);
    unlisten();
  }
}

/** True when nothing more can be wanted: a record past `until` was met, or the reader has gone. */
async function copy(lines: readonly Buffer[], filter: LogFilter, out: Writable): Promise<boolean> {
  const records = lines.map(parseRecord).filter((record) => record !== undefined);
  const bytes = Buffer.concat(records.filter((record) => isWanted(record, filter)).map((record) => logBytes(record, filter)));
  if (out.destroyed) return true;
  if (bytes.length > 0 && !out.write(bytes)) await drained(out);
  return out.destroyed || records.some((record) => isPast(record, filter));
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

import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { FolderChanges } from './folder-changes.js';
import { type FollowedLines, followLog, type LogWriter } from './follow-log.js';
import { LogFiles } from './log-files.js';
import { MessageTooLong } from './log-outlet.js';
import { parseRecord } from './log-record.js';
import { SentPosition } from './sent-position.js';
import type { WayToReceiver } from './way-to-receiver.js';

/** Of files that rotation has removed or compressed, held open for a receiver that is away. What is more than that is given up, but for what still has a name. */
const MOST_HELD_BYTES = 128 << 20;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export interface ForwardedLog {
  readonly path: string;
  readonly writer: LogWriter;
  readonly way: WayToReceiver;
  /** When it stops, wherever it is. */
  readonly signal: AbortSignal;
  /** Told at the beginning of each time in which nothing gets through, and of what was given up. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Sends each line of a log to its receiver, from the first one on that was not sent, whoever sent those before. Resolves when its writer has ended and all was sent, or when
 * it is told to stop. Nobody waits for the receiver: while it is away the log is the buffer, as long as its files last. A line is sent twice only when this process dies
 * after it was sent and before that was noted.
 */
export async function forwardLog(log: ForwardedLog): Promise<void> {
  using position = new SentPosition(join(dirname(log.path), 'log.sent'));
  while (!log.signal.aborted) {
    try {
      return await forwardFrom(position, log);
    } catch (error) {
      if (log.signal.aborted) return;
      log.onTrouble(error);
      await delay(LONGEST_PAUSE_MS, undefined, { signal: log.signal }).catch(() => undefined);
    }
  }
}

async function forwardFrom(position: SentPosition, log: ForwardedLog): Promise<void> {
  const { path, writer, signal } = log;
  await using files = new LogFiles(path, MOST_HELD_BYTES);
  using changes = new FolderChanges(dirname(path), () => void files.look().catch(() => undefined));
  const touch = (): void => changes.touch();
  const unlisten = writer.onEnd(touch);
  signal.addEventListener('abort', touch);
  try {
    await files.look();
    await files.keepFrom(position.identity, position.offset);
    for await (const followed of followLog(files, changes, writer, () => signal.aborted)) await sendAll(followed, position, log);
  } finally {
    signal.removeEventListener('abort', touch);
    unlisten();
  }
}

async function sendAll({ file, lines }: FollowedLines, position: SentPosition, log: ForwardedLog): Promise<void> {
  let offset = file.offset - lines.reduce((bytes, line) => bytes + line.length + 1, 0);
  for (const line of lines) {
    const record = parseRecord(line);
    const message = record && log.way.message(record);
    if (message) {
      await delivered(message, log);
      await failpoint('log.sent');
    }
    offset += line.length + 1;
    position.save(file.identity, offset);
  }
}

/** Rejects only when it is told to stop. What can never be sent is left out, and told. */
async function delivered(message: Buffer, { way, signal, onTrouble }: ForwardedLog): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await way.outlet.send(message);
    } catch (error) {
      signal.throwIfAborted();
      if (pause === FIRST_PAUSE_MS) onTrouble(error);
      if (error instanceof MessageTooLong) return;
      await delay(pause, undefined, { signal });
    }
  }
}

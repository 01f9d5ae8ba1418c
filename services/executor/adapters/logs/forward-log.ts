import { existsSync } from 'node:fs';
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
const longer = (pause: number): number => Math.min(2 * pause, LONGEST_PAUSE_MS);

export interface ForwardedLog {
  readonly path: string;
  readonly writer: LogWriter;
  /** The same one each time. Throws as long as it cannot be made. */
  readonly way: () => WayToReceiver;
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
  for (let pause = FIRST_PAUSE_MS; !log.signal.aborted; pause = longer(pause)) {
    try {
      return await forwardNow(log);
    } catch (error) {
      // With its folder the container is gone.
      if (log.signal.aborted || !existsSync(dirname(log.path))) return;
      log.onTrouble(error);
      await delay(pause, undefined, { signal: log.signal }).catch(() => undefined);
    }
  }
}

async function forwardNow(log: ForwardedLog): Promise<void> {
  const { path, writer, signal } = log;
  const way = log.way();
  using position = new SentPosition(join(dirname(path), 'log.sent'));
  await using files = new LogFiles(path, MOST_HELD_BYTES);
  using changes = new FolderChanges(dirname(path), () => void files.look().catch(() => undefined));
  const touch = (): void => changes.touch();
  const unlisten = writer.onEnd(touch);
  signal.addEventListener('abort', touch);
  try {
    await files.look();
    await files.keepFrom(position.identity, position.offset);
    for await (const followed of followLog(files, changes, writer, () => signal.aborted)) await sendAll(followed, position, way, log);
  } finally {
    signal.removeEventListener('abort', touch);
    unlisten();
  }
}

async function sendAll({ file, lines }: FollowedLines, position: SentPosition, way: WayToReceiver, log: ForwardedLog): Promise<void> {
  let offset = file.offset - lines.reduce((bytes, line) => bytes + line.length + 1, 0);
  for (const line of lines) {
    const record = parseRecord(line);
    const message = record && way.message(record);
    if (message) {
      await delivered(message, way, log);
      await failpoint('log.sent');
    }
    offset += line.length + 1;
    position.save(file.identity, offset);
  }
}

/** Rejects only when it is told to stop. What can never be sent is left out, and told. */
async function delivered(message: Buffer, way: WayToReceiver, { signal, onTrouble }: ForwardedLog): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; ; pause = longer(pause)) {
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

import type { Socket } from 'node:net';
import type { DryRunReply, WouldAppend } from '#contracts/request.js';
import { errorMessage } from '#libs/errors/errors.js';

/** One line of the Engine API's progress stream (POST /images/create, /images/load). */
export interface ProgressLine {
  readonly status?: string;
  readonly stream?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly progress?: string;
  readonly aux?: object;
}

export type Report = (line: ProgressLine) => void;

/** Whoever reads this slowly misses progress, so that it cannot fill our memory; what counts (`report`) is written all the same. */
const MOST_UNREAD_BYTES = 1 << 20;

/** Writes lines to a client that may go away at any time. */
export class ProgressLines {
  constructor(private readonly socket: Socket) {}

  readonly report: Report = (line) => this.write(line);

  /** A line that a later one makes needless. */
  readonly passing: Report = (line) => {
    if (this.socket.writableLength < MOST_UNREAD_BYTES) this.write(line);
  };

  /** The last line of a dry run. */
  plan(wouldAppend: readonly WouldAppend[]): void {
    this.write({ wouldAppend } satisfies DryRunReply);
  }

  /** Ends the stream; with `error`, after the line that tells it. */
  end(error?: unknown): void {
    if (error !== undefined) this.write({ errorDetail: { message: errorMessage(error) }, error: errorMessage(error) });
    // What the client still sends is read and dropped, or it would never come to reading the answer.
    this.socket.resume();
    this.socket.end();
  }

  private write(line: object): void {
    if (this.socket.writable) this.socket.write(`${JSON.stringify(line)}\r\n`);
  }
}

const WIDTH = 50;

/** "[=====>      ]  1.2MB/3.4MB", as the docker CLI of old expects it from the engine. */
export function progressBar(current: number, total: number): string {
  const filled = total > 0 ? Math.min(WIDTH, Math.floor((current / total) * WIDTH)) : 0;
  const bar = filled < WIDTH ? `${'='.repeat(filled)}>${' '.repeat(WIDTH - filled)}` : `${'='.repeat(WIDTH)}>`;
  return `[${bar}]  ${size(current)}/${size(total)}`;
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}

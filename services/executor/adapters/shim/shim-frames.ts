import type { StepTimes } from '../../domain/plan/step-times.js';

/** The control protocol of a shim: frames of u32 LE length, u8 type, payload; strings are u32 LE length and bytes. See shim/control.c. */
export const HELLO = 1;
export const SIGNAL = 2;
const RESIZE = 3;
export const EXEC = 4;
export const TICKET = 5;
export const ACK_EXIT = 6;
export const PING = 8;
export const SIGNAL_EXEC = 9;
/** Older shims pass it over. */
export const WATCH_OOM = 11;

const STARTED = 101;
const FAILED = 102;
const EXITED = 103;
const PONG = 104;
const TIMES = 105;
const LOG_NEWS = 106;
const OOM_KILLS = 107;

/** What a shim calls a health check: whoever finds one that runs sees that the log has nothing of it. */
const CHECK = 'check:';
export const checkTarget = (exec: string): string => `${CHECK}${exec}`;
/** The exec's id; undefined: it is no health check. */
export const checkOf = (target: string): string | undefined => (target.startsWith(CHECK) ? target.slice(CHECK.length) : undefined);

/** `target`: '' is the container's init, otherwise an exec's id, a health check's as `checkTarget` has it. `at`: RFC 3339 with nanoseconds, the kernel's real time. */
export type ShimEvent =
  | { readonly type: 'started'; readonly target: string; readonly pid: number; readonly at: string }
  | { readonly type: 'failed'; readonly target: string; readonly step: number; readonly errno: number }
  | { readonly type: 'exited'; readonly target: string; readonly exitCode: number; readonly signal: number; readonly oomKills: number; readonly at: string }
  /** Of a timed plan, before it is told how the start went. */
  | { readonly type: 'times'; readonly target: string; readonly times: StepTimes }
  /** Since it was told last: writes to the log that failed, pieces of lines that were longer than the buffer, and how often it was rotated (older shims do not say). */
  | { readonly type: 'log-news'; readonly target: ''; readonly failedWrites: number; readonly longLines: number; readonly rotations: number }
  /** Of the container's run so far. */
  | { readonly type: 'oom-kills'; readonly target: ''; readonly kills: number; readonly at: string }
  | { readonly type: 'pong' };

export function frame(type: number, ...parts: readonly (number | string | Uint8Array)[]): Buffer {
  const payload = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return u32(part);
      const bytes = Buffer.from(part as string);
      return Buffer.concat([u32(bytes.length), bytes]);
    }),
  );
  return Buffer.concat([u32(payload.length + 1), Buffer.of(type), payload]);
}

/** RESIZE carries its rows and columns as u16. */
export function resizeFrame(target: string, rows: number, columns: number): Buffer {
  const name = Buffer.from(target);
  const size = Buffer.alloc(4);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return Buffer.concat([u32(1 + 4 + name.length + 4), Buffer.of(RESIZE), u32(name.length), name, size]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function decodeEvent(type: number, payload: Buffer): ShimEvent | undefined {
  if (type === PONG) return { type: 'pong' };
  const length = payload.readUInt32LE(0);
  const target = payload.toString('utf8', 4, 4 + length);
  const at = 4 + length;
  switch (type) {
    case STARTED:
      return { type: 'started', target, pid: payload.readUInt32LE(at), at: timestamp(payload.readBigUInt64LE(at + 4)) };
    case FAILED:
      return { type: 'failed', target, step: payload.readUInt32LE(at), errno: payload.readUInt32LE(at + 4) };
    case EXITED:
      return {
        type: 'exited',
        target,
        exitCode: payload.readUInt32LE(at),
        signal: payload.readUInt32LE(at + 4),
        // Older shims say 1 for any.
        oomKills: payload.readUInt32LE(at + 8),
        at: timestamp(payload.readBigUInt64LE(at + 12)),
      };
    case TIMES:
      return { type: 'times', target, times: readTimes(payload.subarray(at)) };
    case LOG_NEWS:
      return { type: 'log-news', target: '', failedWrites: payload.readUInt32LE(at), longLines: payload.readUInt32LE(at + 4), rotations: payload.length < at + 12 ? 0 : payload.readUInt32LE(at + 8) };
    case OOM_KILLS:
      return { type: 'oom-kills', target: '', kills: payload.readUInt32LE(at), at: timestamp(payload.readBigUInt64LE(at + 4)) };
    default:
      // A newer shim may tell more than this engine knows.
      return undefined;
  }
}

function readTimes(payload: Buffer): StepTimes {
  const [begun = 0n, cloned = 0n, joined = 0n, executed = 0n, ...done] = Array.from({ length: Math.floor(payload.length / 8) }, (_, index) => payload.readBigUInt64LE(8 * index));
  return { begun, cloned, joined, executed, done };
}

/** Nanoseconds since 1970 as RFC 3339 with nine digits. */
export function timestamp(nanoseconds: bigint): string {
  const milliseconds = Number(nanoseconds / 1_000_000n);
  const rest = (nanoseconds % 1_000_000n).toString().padStart(6, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

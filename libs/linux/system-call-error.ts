import { BerthError } from '#libs/errors/errors.js';
import { errnoName } from './errno.js';

/** The kernel refused a call. `code` is the errno's name as Node's own errors have it, so that `error.code === 'ENOENT'` reads alike. */
export class SystemCallError extends BerthError {
  readonly code: string;

  constructor(
    readonly call: string,
    /** Positive. */
    readonly errno: number,
    readonly operands: Readonly<Record<string, unknown>> = {},
  ) {
    const shown = Object.entries(operands).map(([name, value]) => `${name} ${value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)}`);
    super('internal', `${call}${shown.length ? ` (${shown.join(', ')})` : ''}: ${errnoName(errno)}`);
    this.code = errnoName(errno);
  }
}

/** A native result: 0 or more is passed on, a negative errno thrown. */
export function checked(call: string, result: number, operands?: Readonly<Record<string, unknown>>): number {
  if (result < 0) throw new SystemCallError(call, -result, operands);
  return result;
}

/** Whether a caught error is the kernel's refusal with this errno, by name. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof SystemCallError && error.code === code;
}

/**
 * The few kinds of error, each a way to react. A layer adds what only it knows and chains the cause; the gateway alone knows status codes.
 * `message` is for the person who typed the command: what, which one, why, what next.
 */
export type ErrorKind =
  | 'invalid' // the request itself is wrong: change it
  | 'unauthorized' // who is asking is not known: log in
  | 'forbidden' // who is asking may not
  | 'not-found' // names something that is not there
  | 'conflict' // right as a request, wrong in this state
  | 'unavailable' // may work later: a deadline, a service that is down
  | 'not-implemented' // Berth cannot do this yet
  | 'unclassified' // refused too, as invalid or a conflict is; of which dockerd never said so, and clients know its 500
  | 'internal'; // Berth's own fault, or the kernel's refusal

export class BerthError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** What crosses the bus of an error: kind and text, no stack. */
export interface ErrorReply {
  readonly kind: ErrorKind;
  readonly message: string;
}

/** An expected-sequence append lost its race: load, decide and append again. Never shown to a person. */
export class Stale extends BerthError {
  constructor(readonly subject: string) {
    super('unavailable', `somebody else changed ${subject} at the same time`);
  }
}

/** The log had no room for it: what was to be appended did not happen, and will not. */
export class NotAppended extends BerthError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

const REFUSALS: ReadonlySet<ErrorKind> = new Set(['invalid', 'not-found', 'conflict', 'forbidden', 'not-implemented', 'unclassified']);

/** Of a failure: trying again will not change it. */
export const isRefusal = (error: unknown): boolean => error instanceof BerthError && REFUSALS.has(error.kind);

/** Of a failed command: whether nothing was appended, and will be. Of any other failure nobody knows; its events may come late. */
export const cameToNothing = (error: unknown): boolean => error instanceof NotAppended || error instanceof Stale || isRefusal(error);

export const invalid = (message: string, cause?: unknown): BerthError => new BerthError('invalid', message, { cause });
export const unauthorized = (message: string): BerthError => new BerthError('unauthorized', message);
export const forbidden = (message: string): BerthError => new BerthError('forbidden', message);
export const notFound = (message: string): BerthError => new BerthError('not-found', message);
export const conflict = (message: string): BerthError => new BerthError('conflict', message);
export const unavailable = (message: string, cause?: unknown): BerthError => new BerthError('unavailable', message, { cause });
export const notImplemented = (message: string): BerthError => new BerthError('not-implemented', message);
export const unclassified = (message: string, cause?: unknown): BerthError => new BerthError('unclassified', message, { cause });
export const internal = (message: string, cause?: unknown): BerthError => new BerthError('internal', message, { cause });

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Any thrown value as a kind and a text; what is not a BerthError is our own fault. */
export function toErrorReply(error: unknown): ErrorReply {
  if (error instanceof BerthError) return { kind: error.kind, message: error.message };
  return { kind: 'internal', message: errorMessage(error) };
}

export function fromErrorReply(reply: ErrorReply): BerthError {
  return new BerthError(reply.kind, reply.message);
}

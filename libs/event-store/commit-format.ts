import { hash } from 'node:crypto';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from './event.js';
import { parseSubject } from './aggregate-subject.js';

/**
 * A commit as it lies in the log: CloudEvents in NATS binary mode (ce-*), Berth's own headers, and the body `{"v":1,"events":[...]}`.
 * `hash` is the SHA-256 of previous hash, subject, id and body, a newline between them, in hex; `berth-hash` states it, so that
 * an altered commit is found even when no later one of its subject points back at it.
 */
export interface StoredForm {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface Decided<E extends DomainEvent> {
  readonly subject: AggregateSubject;
  readonly id: string;
  readonly time: Date;
  readonly source: string;
  readonly cause: Cause;
  readonly expected: Head;
  readonly events: readonly E[];
}

export function encodeCommit<E extends DomainEvent>(decided: Decided<E>): StoredForm & { readonly commit: Omit<Commit<E>, 'position'> } {
  const { subject, id, source, cause, expected, events } = decided;
  const time = decided.time.toISOString();
  const body = JSON.stringify({ v: 1, events });
  const sum = commitHash(expected.hash, subject, id, body);
  const headers: [string, string][] = [
    ['ce-specversion', '1.0'],
    ['ce-id', escapeHeader(id)],
    ['ce-source', escapeHeader(source)],
    ['ce-type', `berth.${parseSubject(subject).kind}`],
    ['ce-time', time],
    ['berth-correlation-id', escapeHeader(cause.correlationId)],
    ['berth-causation-id', escapeHeader(cause.causationId)],
    ['berth-actor', escapeHeader(cause.actor)],
    ['berth-previous-hash', expected.hash],
    ['berth-hash', sum],
  ];
  if (cause.traceparent !== undefined) headers.push(['traceparent', escapeHeader(cause.traceparent)]);
  if (cause.idempotencyKey !== undefined) headers.push(['berth-idempotency-key', escapeHeader(cause.idempotencyKey)]);
  return { headers, body, commit: { subject, id, time, source, cause: causeOf(cause), events, previousHash: expected.hash, hash: sum } };
}

/**
 * A commit read from the log. Events, headers and hash are made out when asked for: a replay asks for little but events, and of what it wrote itself
 * a fold asks for nothing. Until then it holds the bytes that it came in, so whoever keeps commits calls `settle`.
 */
export class ReadCommit implements Commit {
  private headers: LazyHeaders | undefined;
  private decoded: readonly DomainEvent[] | undefined;

  /** `header` gives a header's value, `''` or undefined where there is none. */
  constructor(
    readonly subject: AggregateSubject,
    readonly position: number,
    header: (name: string) => string | undefined,
    private body: string,
  ) {
    this.headers = { header, body };
  }

  get events(): readonly DomainEvent[] {
    if (this.decoded === undefined) {
      this.decoded = (JSON.parse(this.body) as { readonly events: readonly DomainEvent[] }).events;
      this.body = '';
    }
    return this.decoded;
  }

  get id(): string {
    return this.settle().id;
  }
  get time(): string {
    return this.settle().time;
  }
  get source(): string {
    return this.settle().source;
  }
  get cause(): Cause {
    return this.settle().cause;
  }
  get previousHash(): string {
    return this.settle().previousHash;
  }
  /** What the bytes give. */
  get hash(): string {
    return this.settle().hash;
  }
  /** What the writer said. */
  get statedHash(): string | undefined {
    return this.settle().statedHash;
  }

  private settled: SettledFields | undefined;

  /** Makes out all fields and lets go of the bytes. */
  settle(): SettledFields {
    if (this.headers !== undefined) {
      const { header, body } = this.headers;
      this.settled = settledFields(this.subject, header, body);
      this.headers = undefined;
    }
    return this.settled!;
  }
}

interface LazyHeaders {
  readonly header: (name: string) => string | undefined;
  readonly body: string;
}

type SettledFields = Pick<Commit, 'id' | 'time' | 'source' | 'cause' | 'previousHash' | 'hash'> & { readonly statedHash: string | undefined };

function settledFields(subject: AggregateSubject, header: (name: string) => string | undefined, body: string): SettledFields {
  const text = (name: string): string => unescapeHeader(header(name) ?? '');
  const id = text('ce-id');
  const previousHash = header('berth-previous-hash') ?? '';
  return {
    id,
    time: header('ce-time') ?? '',
    source: text('ce-source'),
    cause: causeOf({
      correlationId: text('berth-correlation-id'),
      causationId: text('berth-causation-id'),
      actor: text('berth-actor'),
      traceparent: text('traceparent'),
      idempotencyKey: text('berth-idempotency-key'),
    }),
    previousHash,
    hash: commitHash(previousHash, subject, id, body),
    statedHash: header('berth-hash') || undefined,
  };
}

function commitHash(previousHash: string, subject: string, id: string, body: string): string {
  return hash('sha256', `${previousHash}\n${subject}\n${id}\n${body}`, 'hex');
}

/** The cause alone: whoever calls may have handed in more, such as a whole request's context. */
function causeOf(cause: Cause): Cause {
  const { correlationId, causationId, actor, traceparent, idempotencyKey } = cause;
  return { correlationId, causationId, actor, ...(traceparent ? { traceparent } : {}), ...(idempotencyKey ? { idempotencyKey } : {}) };
}

/** CloudEvents' NATS binding, 3.1.3.2: what is not printable ASCII, and space, quote and percent, is percent-encoded UTF-8. */
function escapeHeader(value: string): string {
  return /^[!#$&-~]*$/.test(value) ? value : value.replace(/[^!#$&-~]+/gu, (part) => encodeURIComponent(part.toWellFormed()));
}

function unescapeHeader(value: string): string {
  return value.includes('%') ? decodeURIComponent(value) : value;
}

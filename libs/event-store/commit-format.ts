import { hash } from 'node:crypto';
import type { AggregateSubject, Cause, Commit, DomainEvent, Head } from './event.js';
import { parseSubject } from './aggregate-subject.js';

/**
 * A commit as it lies in the log: CloudEvents in NATS binary mode (ce-*), Berth's own headers, and the body `{"v":1,"events":[...]}`.
 * `hash` is "2." and, in hex, the SHA-256 of the previous hash, the subject, the headers of SUMMED as they are and the body, a newline between them;
 * `berth-hash` states it, so that an altered commit is found even when no later one of its subject points back at it. A hash without "2." is of a
 * former engine: of previous hash, subject, id and body alone.
 */
export interface StoredForm {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** What of a commit's headers its hash covers, in this order. */
const SUMMED = ['ce-id', 'ce-time', 'ce-source', 'berth-correlation-id', 'berth-causation-id', 'berth-actor', 'traceparent', 'berth-idempotency-key'] as const;
const SUM_FORM = '2.';

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
  ];
  if (cause.traceparent !== undefined) headers.push(['traceparent', escapeHeader(cause.traceparent)]);
  if (cause.idempotencyKey !== undefined) headers.push(['berth-idempotency-key', escapeHeader(cause.idempotencyKey)]);
  const values = new Map(headers);
  const sum = commitHash(expected.hash, subject, summed((name) => values.get(name)), body);
  headers.push(['berth-hash', sum]);
  return { headers, body, commit: { subject, id, time, source, cause: causeOf(cause), events, previousHash: expected.hash, hash: sum } };
}

/**
 * A commit read from the log. Events, headers and hash are made out when asked for: a replay asks for little but events, and of what it wrote itself
 * a fold asks for nothing. Until the hash is made out it holds the bytes that it came in.
 */
export class ReadCommit implements Commit {
  private decoded: readonly DomainEvent[] | undefined;
  private read: Fields | undefined;
  private summed: string | undefined;

  /** `header` gives a header's value, `''` or undefined where there is none. */
  constructor(
    readonly subject: AggregateSubject,
    readonly position: number,
    private header: ((name: string) => string | undefined) | undefined,
    private bytes: string,
  ) {}

  get events(): readonly DomainEvent[] {
    this.decoded ??= eventsIn(this.bytes);
    return this.decoded;
  }

  get id(): string {
    return this.fields().id;
  }
  get time(): string {
    return this.fields().time;
  }
  get source(): string {
    return this.fields().source;
  }
  get cause(): Cause {
    return this.fields().cause;
  }
  get previousHash(): string {
    return this.fields().previousHash;
  }
  /** What the bytes give. */
  get hash(): string {
    if (this.summed === undefined) {
      const { id, previousHash, statedHash, summedHeaders } = this.fields();
      void this.events; // made out before the bytes go
      this.summed = isOfFormerForm(statedHash) ? formerHash(previousHash, this.subject, id, this.bytes) : commitHash(previousHash, this.subject, summedHeaders, this.bytes);
      this.bytes = '';
    }
    return this.summed;
  }
  /** What the writer said. */
  get statedHash(): string | undefined {
    return this.fields().statedHash;
  }

  private fields(): Fields {
    if (this.header !== undefined) {
      this.read = fieldsOf(this.header);
      this.header = undefined;
    }
    return this.read!;
  }
}

/**
 * Whoever may ask the log for anything may have it answer to an aggregate's subject, and the answer, JSON or nothing at all, is stored there. It says nothing of the aggregate: as
 * a commit without events it moves its head alone, as the next append needs, and `verifyChain` tells of it.
 */
const eventsIn = (body: string): readonly DomainEvent[] => (body === '' ? [] : ((JSON.parse(body) as { readonly events?: readonly DomainEvent[] }).events ?? []));

type Fields = Pick<Commit, 'id' | 'time' | 'source' | 'cause' | 'previousHash'> & { readonly statedHash: string | undefined; readonly summedHeaders: string };

function fieldsOf(header: (name: string) => string | undefined): Fields {
  const text = (name: string): string => unescapeHeader(header(name) ?? '');
  return {
    id: text('ce-id'),
    time: header('ce-time') ?? '',
    source: text('ce-source'),
    cause: causeOf({
      correlationId: text('berth-correlation-id'),
      causationId: text('berth-causation-id'),
      actor: text('berth-actor'),
      traceparent: text('traceparent'),
      idempotencyKey: text('berth-idempotency-key'),
    }),
    previousHash: header('berth-previous-hash') ?? '',
    statedHash: header('berth-hash') || undefined,
    summedHeaders: summed(header),
  };
}

const summed = (header: (name: string) => string | undefined): string => SUMMED.map((name) => header(name) ?? '').join('\n');

function commitHash(previousHash: string, subject: string, headers: string, body: string): string {
  return `${SUM_FORM}${hash('sha256', `${previousHash}\n${subject}\n${headers}\n${body}`, 'hex')}`;
}

/** Whether a hash is one of a former engine, which says nothing of time, actor and cause. */
export const isOfFormerForm = (stated: string | undefined): boolean => stated !== undefined && !stated.startsWith(SUM_FORM);

function formerHash(previousHash: string, subject: string, id: string, body: string): string {
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

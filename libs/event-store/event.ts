/** What happened to one aggregate: a plain JSON object, told apart by `type`. `v`, where present, is the version of the type's shape; absent means 1. */
export interface DomainEvent {
  readonly type: string;
}

/** Who caused a commit, and through what. Goes into its headers. */
export interface Cause {
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: string;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
  /** A dry run: what would be appended is put here, and nothing is. */
  readonly planned?: PlannedEvent[];
}

/** An event that was decided and not appended. */
export interface PlannedEvent {
  readonly subject: AggregateSubject;
  readonly type: string;
  readonly data: object;
}

/** `berth.event.<aggregate>.<id>`: one aggregate, one subject, one writer. */
export type AggregateSubject = string;

/** The last commit of a subject that a decider saw: its stream sequence and hash. */
export interface Head {
  readonly sequence: number;
  readonly hash: string;
}

/** The decider saw nothing: an append that expects this wins only if it is the subject's first. */
export const noHead: Head = { sequence: 0, hash: '' };

/** All that one decision yielded, stored as one message, so that a decision is never torn. */
export interface Commit<E extends DomainEvent = DomainEvent> {
  readonly subject: AggregateSubject;
  /** Stream sequence. */
  readonly position: number;
  readonly id: string;
  /** RFC 3339, UTC, milliseconds: when it was decided, as the ce-time header tells. */
  readonly time: string;
  readonly source: string;
  readonly cause: Cause;
  readonly events: readonly E[];
  readonly previousHash: string;
  readonly hash: string;
}

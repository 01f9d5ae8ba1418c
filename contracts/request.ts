/** What every command and query extends: its reply's type travels with it, so that a request and its answer cannot be mixed up. */
export abstract class Request<Reply> {
  declare protected readonly reply?: Reply;
}

/** The class of a request: NATS subject and, through it, the reply's type. */
export interface RequestClass<Reply, R extends Request<Reply> = Request<Reply>> {
  new (): R;
  readonly subject: string;
  /**
   * True for a command that can be tried: its reply to a dry run has, in `wouldAppend`, the events that are decided without its effects, and nothing else
   * is done. What only an effect tells (a pid, an exit code) is not among them. 'streamed': what is decided depends on what the client sends to the reply's endpoint, so it is told
   * by the last line of what comes from there, a DryRunReply. Other commands refuse a dry run as not implemented.
   */
  readonly dryRun?: boolean | 'streamed';
}

/** An event that a command would append, were it not a dry run. */
export interface WouldAppend {
  readonly subject: string;
  readonly type: string;
  /** All but its type. */
  readonly data: object;
}

/** What the reply to a dry run has beside the fields of any other, or a stream as its last line. */
export interface DryRunReply {
  readonly wouldAppend: readonly WouldAppend[];
}

/** Who asked, why, and how: travels in the bus headers, never in a body. Set by the gateway, not by a client. */
export interface RequestContext {
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
  /** Of a dry run: gathers what would be appended, in order, while the command is decided. */
  readonly planned?: WouldAppend[];
}

/** A byte stream to be opened by the receiver of this reply: a unix socket's path and a ticket that works once. */
export interface StreamEndpoint {
  readonly path: string;
  readonly ticket: string;
}

/** The log position from which a reader sees what a command did; 0 when nothing changed. */
export interface Done {
  readonly position: number;
}

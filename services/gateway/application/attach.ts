import type { Socket } from 'node:net';
import { AttachContainer, type AttachReply, DetachContainer, ReadLogs, WithdrawAttach } from '#contracts/containers/commands.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { flag, type QueryValues } from '../domain/requests/query-values.js';
import type { ContainerFeed, StartOutcome } from './container-feed.js';
import type { EngineClient } from './engine-client.js';

export interface AttachRequest {
  readonly container: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly logs: boolean;
  readonly stream: boolean;
}

export interface Attached {
  /** Of which run the streams are, those of the next start included. */
  readonly run: { readonly container: string; readonly start: number };
  readonly terminal: boolean;
  /** Whether what the client sends goes anywhere: as in dockerd, not where the container takes no input. */
  readonly stdin: boolean;
  /** Whether the stream is over when the client sends no more: so it is where the container's input does not end with it, and with terminals. */
  readonly endsWithInput: boolean;
  /** Notes that the client typed the keys that detach it. */
  detached(): void;
  /** What was printed before, where it was asked for. */
  readonly logs?: StreamEndpoint;
  /** Resolves once the container runs; undefined when it will not, or when no stream was asked for. Rejects when it cannot be opened. */
  stream(): Promise<Socket | undefined>;
}

export function attachRequest(container: string, query: QueryValues): AttachRequest {
  const [stdin, stdout, stderr] = [flag(query, 'stdin'), flag(query, 'stdout'), flag(query, 'stderr')];
  // Of no stream at all nothing would ever come, nor an end.
  const stream = flag(query, 'stream') && (stdin || stdout || stderr);
  return { container, stream, stdin: stream && stdin, stdout, stderr, logs: flag(query, 'logs') };
}

/**
 * Attaches, and for a container that does not run yet promises its streams from the first byte of its next start on. `departure`: of the client. What waits for a client that left waits
 * until somebody asks for the stream all the same, and ends it.
 */
export async function openAttach(engine: EngineClient, feed: ContainerFeed, request: AttachRequest, context: RequestContext, departure: AbortSignal): Promise<Attached> {
  const { container, stream, stdin, stdout, stderr } = request;
  // First: what is refused here leaves nobody waiting.
  const logs = request.logs ? await engine.ask(ReadLogs, { container, stdout, stderr, follow: false, timestamps: false, tail: -1, since: '', until: '' }, context) : undefined;
  const reply = await engine.ask(AttachContainer, { container, stream, stdin, stdout, stderr }, context);
  const started = reply.waitForStart ? startOutcome(engine, feed, reply, context, departure) : undefined;
  return {
    run: { container: reply.id, start: reply.start },
    terminal: reply.terminal,
    stdin: stdin && reply.openStdin,
    // Of input alone, which goes nowhere, there would be no other end.
    endsWithInput: stdin && (reply.openStdin ? reply.terminal || !reply.stdinOnce : !stdout && !stderr),
    detached: () => void engine.ask(DetachContainer, { container: reply.id }, context).catch(() => undefined), // who is told has left
    ...(logs === undefined ? {} : { logs }),
    stream: async () => {
      if (!stream) return undefined;
      if (started !== undefined && (await started) !== 'started') return undefined;
      return engine.open(reply);
    },
  };
}

/**
 * How the start went that an attach waits for. A client that leaves gives its place back, and waits no more: undefined. But where the start has been asked for with it, what it prints waits
 * for the stream to be opened, and so does this.
 */
function startOutcome(engine: EngineClient, feed: ContainerFeed, { id, start, ticket }: AttachReply, context: RequestContext, departure: AbortSignal): Promise<StartOutcome | undefined> {
  const over = new AbortController();
  const withdrawn = new Promise<undefined>((resolve) => {
    const withdraw = async (): Promise<void> => {
      // Where nobody answers, the start waits for the stream, as it does for any that nobody opens.
      const reply = await engine.ask(WithdrawAttach, { container: id, ticket }, context).catch(() => undefined);
      if (reply?.withdrawn) resolve(undefined);
    };
    if (departure.aborted) return void withdraw();
    const leaving = (): void => void withdraw();
    departure.addEventListener('abort', leaving, { once: true, signal: over.signal });
  });
  return Promise.race([feed.whenStarted(id, start, over.signal), withdrawn]).finally(() => over.abort());
}

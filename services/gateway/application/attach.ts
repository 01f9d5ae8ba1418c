import type { Socket } from 'node:net';
import { AttachContainer, ReadLogs } from '#contracts/containers/commands.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { flag, type QueryValues } from '../domain/requests/query-values.js';
import type { ContainerFeed } from './container-feed.js';
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
  readonly terminal: boolean;
  /** What was printed before, where it was asked for. */
  readonly logs?: StreamEndpoint;
  /** Resolves once the container runs; undefined when it will not, or when no stream was asked for. Rejects when it cannot be opened. */
  stream(): Promise<Socket | undefined>;
}

export function attachRequest(container: string, query: QueryValues): AttachRequest {
  const stream = flag(query, 'stream');
  return { container, stream, stdin: stream && flag(query, 'stdin'), stdout: flag(query, 'stdout'), stderr: flag(query, 'stderr'), logs: flag(query, 'logs') };
}

/** Attaches, and for a container that does not run yet promises its streams from the first byte of its next start on. */
export async function openAttach(engine: EngineClient, feed: ContainerFeed, request: AttachRequest, context: RequestContext, abort: AbortSignal): Promise<Attached> {
  const { container, stream, stdin, stdout, stderr } = request;
  const reply = await engine.ask(AttachContainer, { container, stream, stdin, stdout, stderr }, context);
  const logs = request.logs ? await engine.ask(ReadLogs, { container, stdout, stderr, follow: false, timestamps: false, tail: -1, since: '', until: '' }, context) : undefined;
  return {
    terminal: reply.terminal,
    ...(logs === undefined ? {} : { logs }),
    stream: async () => {
      if (!stream) return undefined;
      if (reply.waitForStart && (await feed.whenStarted(reply.id, reply.start, abort)) !== 'started') return undefined;
      return engine.open(reply);
    },
  };
}

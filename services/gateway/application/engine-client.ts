import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { DryRunReply, RequestClass, RequestContext, StreamEndpoint, WouldAppend } from '#contracts/request.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ApiMetrics } from './api-metrics.js';

/** Injection token: where processes say that they are ready. */
export const RUN_ROOT = Symbol('run root');
/** Injection token: names of the processes that this engine consists of. */
export const PROCESSES = Symbol('processes');

/** The bus as the gateway uses it. */
export interface Asks {
  request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options?: { readonly timeoutMs?: number }): Promise<Reply>;
}

export interface GatewayDependencies {
  readonly settings: EngineSettings;
  readonly store: EventStore;
  readonly bus: Asks;
  /** Opens a byte stream of another service. Absent: the data plane's own. */
  readonly openStream?: (endpoint: StreamEndpoint) => Promise<Socket>;
}

/** The answer to a request with `?dryRun=1`, instead of the one it would have without. */
export class DryRunAnswer {
  constructor(readonly events: readonly WouldAppend[]) {}
}

/** All that controllers use of the rest of the engine: requests over the bus, and byte streams beside it. */
export class EngineClient {
  readonly metrics = new ApiMetrics();

  constructor(private readonly deps: GatewayDependencies) {}

  get authorizationPlugins(): readonly string[] {
    return this.deps.settings.authorizationPlugins ?? [];
  }

  /** Rejects with `DryRunAnswer` when the request was a dry run: what would be appended is then all there is to answer. */
  async ask<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, timeoutMs?: number): Promise<Reply> {
    const reply = await this.metrics.measure(type.subject, context, () => this.deps.bus.request(type, data, context, timeoutMs === undefined ? {} : { timeoutMs }));
    if (context.dryRun && typeof reply === 'object' && reply !== null && 'wouldAppend' in reply) throw new DryRunAnswer((reply as DryRunReply).wouldAppend);
    return reply;
  }

  /** What another service sends, to its end: it fails where that was cut off. The caller consumes or destroys it. Rejects as `open` does. */
  async download(endpoint: StreamEndpoint): Promise<Readable> {
    const { openWhole } = await import('#libs/messaging/whole-stream.js');
    return openWhole(endpoint, this.deps.openStream);
  }

  /** The socket is the caller's to end. Rejects as unavailable when the ticket was used. */
  async open(endpoint: StreamEndpoint): Promise<Socket> {
    const open = this.deps.openStream ?? (await import('#libs/messaging/open-stream.js')).openStream;
    return open(endpoint);
  }
}

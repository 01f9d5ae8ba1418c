import type { Socket } from 'node:net';
import type { RequestClass, RequestContext, StreamEndpoint } from '#contracts/request.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { ApiMetrics } from './api-metrics.js';

/** The bus as the gateway uses it. */
export interface Asks {
  request<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, options?: { readonly timeoutMs?: number }): Promise<Reply>;
}

export interface GatewayDependencies {
  readonly settings: EngineSettings;
  readonly store: Pick<EventStore, 'follow' | 'lastPosition'>;
  readonly bus: Asks;
  /** Opens a byte stream of another service. Absent: the data plane's own. */
  readonly openStream?: (endpoint: StreamEndpoint) => Promise<Socket>;
}

/** All that controllers use of the rest of the engine: requests over the bus, and byte streams beside it. */
export class EngineClient {
  readonly metrics = new ApiMetrics();

  constructor(private readonly deps: GatewayDependencies) {}

  ask<Reply>(type: RequestClass<Reply>, data: object, context: RequestContext, timeoutMs?: number): Promise<Reply> {
    return this.metrics.measure(type.subject, context, () => this.deps.bus.request(type, data, context, timeoutMs === undefined ? {} : { timeoutMs }));
  }

  /** The socket is the caller's to end. Rejects as unavailable when the ticket was used. */
  async open(endpoint: StreamEndpoint): Promise<Socket> {
    const open = this.deps.openStream ?? (await import('#libs/messaging/open-stream.js')).openStream;
    return open(endpoint);
  }
}

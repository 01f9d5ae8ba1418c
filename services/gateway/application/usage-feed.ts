import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SampleUsage } from '#contracts/executor/usage.js';
import type { RequestContext } from '#contracts/request.js';
import type { Reading } from '../domain/docker/stats.js';
import type { EngineClient } from './engine-client.js';

const INTERVAL_MS = 1_000;
const PATIENCE_MS = 5_000;
/** A sample is some 2 KiB, and a message at most a mebibyte. */
const AT_ONCE = 200;

/** Undefined: it does not run now, or the executor did not answer. */
type Listener = (reading: Reading | undefined) => void;

/** What containers use, once a second while anybody listens: one question for all of them, however many clients ask. */
export class UsageFeed {
  private readonly listeners = new Map<string, Set<Listener>>();
  private isReading = false;

  constructor(private readonly engine: EngineClient) {}

  /** Tells `listener` from the next reading on. Gives what ends that. */
  listen(container: string, listener: Listener): () => void {
    const listeners = this.listeners.get(container) ?? new Set();
    listeners.add(listener);
    this.listeners.set(container, listeners);
    if (!this.isReading) void this.readOn();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(container) === listeners) this.listeners.delete(container);
    };
  }

  /** One reading, at once. */
  async once(container: string, asked: RequestContext): Promise<Reading | undefined> {
    return (await this.read([container], asked)).get(container);
  }

  private async readOn(): Promise<void> {
    this.isReading = true;
    while (this.listeners.size > 0) {
      const begun = performance.now();
      const containers = [...this.listeners.keys()];
      for (let from = 0; from < containers.length; from += AT_ONCE) {
        const some = containers.slice(from, from + AT_ONCE);
        const id = randomUUID();
        const readings = await this.read(some, { actor: 'service:gateway', correlationId: id, causationId: id }).catch(() => new Map<string, Reading>());
        for (const container of some) for (const listener of [...(this.listeners.get(container) ?? [])]) listener(readings.get(container));
      }
      await delay(Math.max(0, INTERVAL_MS - (performance.now() - begun)), undefined, { ref: false });
    }
    this.isReading = false;
  }

  private async read(containers: readonly string[], asked: RequestContext): Promise<Map<string, Reading>> {
    const { samples, ...machine } = await this.engine.ask(SampleUsage, { containers }, asked, PATIENCE_MS);
    return new Map(samples.map((usage) => [usage.container, { ...machine, usage }]));
  }
}

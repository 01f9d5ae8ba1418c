import type { NatsConnection } from '@nats-io/transport-node';
import type { ReplyInbox } from '#libs/nats/reply-inbox.js';
import { ownHeaders } from './bus-headers.js';
import { isRequest } from './requests-alone.js';

const LOOK_MS = 2_000;
const ANSWER_MS = 1_000;

const subjectOf = (service: string): string => `berth.query.${service}.uptime`;
const serviceOf = (subject: string): string => subject.split('.')[2] ?? '';

/** Has a service tell for how long its process runs, in ms: whoever waits for an answer hears of a restart, which NATS tells nobody. */
export function giveLifeSigns(connection: NatsConnection, service: string): void {
  const subject = subjectOf(service);
  connection.subscribe(subject, { callback: (_error, message) => void (isRequest(message, subject) && message.respond(String(process.uptime() * 1000))) });
}

/**
 * Gives up requests that a process took which has ended since: some wait for as long as a container runs. The service is asked every two seconds while a request to it
 * is that old; one that runs for less long than the request is under way did not take it. A service that does not say so, or is away, decides nothing. There is one
 * process a service. Looks only while there are requests.
 */
export class LifeSigns {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly requests: ReplyInbox,
  ) {}

  /** To be called with each request. */
  watch(): void {
    this.timer ??= setTimeout(() => void this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const began = performance.now();
    const services = new Set<string>();
    let pending = false;
    for (const { subject, at } of this.requests.pending) {
      pending = true;
      if (began - at >= LOOK_MS) services.add(serviceOf(subject));
    }
    await Promise.all([...services].map((service) => this.ask(service, began)));
    this.timer = undefined;
    if (pending && !this.connection.isClosed()) this.watch();
  }

  private async ask(service: string, began: number): Promise<void> {
    try {
      const uptime = Number((await this.requests.ask(subjectOf(service), '', ownHeaders(), ANSWER_MS)).string());
      this.requests.giveUp(({ subject, at }) => serviceOf(subject) === service && began - at > uptime);
    } catch {
      // Away, or too busy: its requests have deadlines of their own.
    }
  }
}

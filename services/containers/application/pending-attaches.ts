import type { AttachTicket } from '#contracts/executor/tasks.js';

/** More at once is a client gone astray; the oldest of them has most likely left. */
const MOST_PER_CONTAINER = 64;

/** Streams that were opened on a container before it started: its next run begins with their tickets, so that they miss nothing. */
export class PendingAttaches {
  private readonly tickets = new Map<string, AttachTicket[]>();

  add(container: string, ticket: AttachTicket): void {
    this.tickets.set(container, [...(this.tickets.get(container) ?? []), ticket].slice(-MOST_PER_CONTAINER));
  }

  take(container: string): readonly AttachTicket[] {
    const tickets = this.tickets.get(container) ?? [];
    this.tickets.delete(container);
    return tickets;
  }

  forget(container: string): void {
    this.tickets.delete(container);
  }
}

import type { AttachTicket } from '#contracts/executor/tasks.js';

/** More at once is a client gone astray; the oldest of them has most likely left. */
const MOST_PER_CONTAINER = 64;

/** Streams that were opened on a container before it started: its next run begins with their tickets, so that they miss nothing. */
export class PendingAttaches {
  private readonly tickets = new Map<string, AttachTicket[]>();
  /** Each container's newest start that has got its tickets. */
  private readonly newest = new Map<string, number>();

  /** False: that start has got its tickets already, and this would wait for another. */
  add(container: string, start: number, ticket: AttachTicket): boolean {
    if ((this.newest.get(container) ?? 0) >= start) return false;
    this.tickets.set(container, [...(this.tickets.get(container) ?? []), ticket].slice(-MOST_PER_CONTAINER));
    return true;
  }

  take(container: string, start: number): readonly AttachTicket[] {
    this.newest.set(container, start);
    const tickets = this.tickets.get(container) ?? [];
    this.tickets.delete(container);
    return tickets;
  }

  forget(container: string): void {
    this.tickets.delete(container);
  }

  removed(container: string): void {
    this.tickets.delete(container);
    this.newest.delete(container);
  }
}

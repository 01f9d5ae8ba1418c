import type { AttachTicket } from '#contracts/executor/tasks.js';
import { conflict } from '#libs/errors/errors.js';

/** The shim has places for more (TICKETS), which who comes to the task itself takes. */
const MOST_PER_CONTAINER = 400;

/** Streams that were opened on a container before it started: its next run begins with their tickets, so that they miss nothing. */
export class PendingAttaches {
  private readonly tickets = new Map<string, AttachTicket[]>();
  /** Each container's newest start that has got its tickets. */
  private readonly newest = new Map<string, number>();

  /** False: that start has got its tickets already, and this would wait for another. Throws where there are as many as a start can wait for. */
  add(container: string, start: number, ticket: AttachTicket): boolean {
    if ((this.newest.get(container) ?? 0) >= start) return false;
    const tickets = this.tickets.get(container) ?? [];
    if (tickets.length >= MOST_PER_CONTAINER) throw conflict(`${MOST_PER_CONTAINER} clients are attached to container ${container} and wait for its start: there is no place for another`);
    this.tickets.set(container, [...tickets, ticket]);
    return true;
  }

  /** Of a client that has left. False: its start has got it already. */
  withdraw(container: string, ticket: string): boolean {
    const tickets = this.tickets.get(container) ?? [];
    const others = tickets.filter((one) => one.ticket !== ticket);
    if (others.length > 0) this.tickets.set(container, others);
    else this.tickets.delete(container);
    return others.length < tickets.length;
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

import { hash } from 'node:crypto';
import type { AggregateSubject, Commit } from './event.js';

/**
 * The commit id of a command with an idempotency key: the same key, on the same aggregate, of the same type, is the same decision. One request may lead
 * to several commands to one aggregate, of a type each.
 */
export function idOfKey(idempotencyKey: string, commandType: string, subject: AggregateSubject): string {
  return hash('sha256', `${idempotencyKey}\n${commandType}\n${subject}`, 'hex').slice(0, 32);
}

/** Where the newest commits are that came of a command with an idempotency key, by commit id. What is in them may be megabytes each: the log has it. Older ones are looked for there. */
export class RememberedResults {
  private readonly positions = new Map<string, number>();

  constructor(private readonly limit = 4_096) {}

  get(id: string): number | undefined {
    return this.positions.get(id);
  }

  add({ id, position, cause }: Commit): void {
    if (cause.idempotencyKey === undefined) return;
    this.positions.set(id, position);
    if (this.positions.size > this.limit) this.positions.delete(this.positions.keys().next().value!);
  }
}

import { hash } from 'node:crypto';
import type { AggregateSubject, Commit } from './event.js';

/**
 * The commit id of a command with an idempotency key: the same key, on the same aggregate, of the same type, is the same decision. One request may lead
 * to several commands to one aggregate, of a type each.
 */
export function idOfKey(idempotencyKey: string, commandType: string, subject: AggregateSubject): string {
  return hash('sha256', `${idempotencyKey}\n${commandType}\n${subject}`, 'hex').slice(0, 32);
}

/** The newest commits that came of a command with an idempotency key, by commit id. Older ones are looked up in the log. */
export class RememberedResults {
  private readonly commits = new Map<string, Commit>();

  constructor(private readonly limit = 4_096) {}

  get(id: string): Commit | undefined {
    return this.commits.get(id);
  }

  add(commit: Commit): void {
    if (commit.cause.idempotencyKey === undefined) return;
    this.commits.set(commit.id, commit);
    if (this.commits.size > this.limit) this.commits.delete(this.commits.keys().next().value!);
  }
}

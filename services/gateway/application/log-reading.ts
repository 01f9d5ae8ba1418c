import { setTimeout as delay } from 'node:timers/promises';
import { unavailable } from '#libs/errors/errors.js';
import type { Commit } from '#libs/event-store/event.js';
import { type ChainReport, verifyChain } from '#libs/event-store/verify-chain.js';
import type { FollowedEntry } from '#contracts/gateway/log-replies.js';
import { entryOf } from '../domain/log/history.js';
import type { GatewayDependencies } from './engine-client.js';

const ALL = ['berth.event.>'];
const WAIT_LIMIT_MS = 10_000;
const LOOK_AGAIN_MS = 10;

/** The log as /berth/ shows it. */
export class LogReading {
  constructor(private readonly store: GatewayDependencies['store']) {}

  /** All of the log, oldest first, and its last position. Held in memory for one answer. */
  async read(): Promise<{ readonly commits: readonly Commit[]; readonly position: number }> {
    const commits: Commit[] = [];
    const position = await this.store.replay(ALL, 0, (commit) => commits.push(commit));
    return { commits, position };
  }

  async verify(): Promise<ChainReport> {
    return verifyChain((await this.read()).commits);
  }

  /** Resolves once the log reaches `position`; rejects as unavailable when it does not within 10 s. */
  async reached(position: number): Promise<void> {
    const deadline = Date.now() + WAIT_LIMIT_MS;
    while ((await this.store.lastPosition()) < position) {
      if (Date.now() > deadline) throw unavailable(`the log has not reached position ${position}`);
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Gives what is after `from`; with `follow` also what comes, until `abort`. Rejects when the log can be followed no longer. */
  async entries(from: number, follow: boolean, onCommit: (entries: readonly FollowedEntry[]) => void, abort: AbortSignal): Promise<void> {
    const take = (commit: Commit): void => onCommit(commit.events.map((event, index) => ({ ...entryOf(commit, event), subject: commit.subject, commit: commit.id, index, of: commit.events.length })));
    if (!follow) return void (await this.store.replay(ALL, from, take));
    const following = await this.store.follow(ALL, from, take);
    const aborted = new Promise<undefined>((resolve) => (abort.aborted ? resolve(undefined) : abort.addEventListener('abort', () => resolve(undefined), { once: true })));
    const failure = await Promise.race([following.ended, aborted]);
    await following.stop();
    if (failure !== undefined) throw failure;
  }
}

import type { Commit } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { type ChainReport, verifyChain } from '#libs/event-store/verify-chain.js';
import { replayAtPace } from './replay-at-pace.js';
import { Turns } from './turns.js';

type VerifiedLog = Pick<EventStore, 'replay' | 'lastPosition'>;

/** Whether the log is whole. One look at a time, however many ask, and no further once who asked has gone: what it takes is taken from everybody. */
export class LogVerification {
  private readonly turns = new Turns();

  constructor(private readonly log: VerifiedLog) {}

  /** From 0 on it reads all of the log: there is no other way to see that none of it is altered. Rejects once who asked has `gone`. */
  verify(from: number, gone: AbortSignal): Promise<ChainReport> {
    return this.turns.take(() => this.verifyNow(from, gone), gone);
  }

  private async verifyNow(from: number, gone: AbortSignal): Promise<ChainReport> {
    const to = await this.log.lastPosition();
    const replay: VerifiedLog['replay'] = async (filters, after, onCommit, until = to) => {
      if (until < to) return this.replayOf(filters, after, onCommit, until, gone);
      if (after < to) await replayAtPace(this.log, filters, { after, to }, onCommit, { ready: () => Promise.resolve(), gone });
      gone.throwIfAborted();
      return to;
    };
    return verifyChain({ replay }, from);
  }

  /** What one subject has up to a position is given by the server alone, all in one piece: in pieces of the log most would be empty. */
  private replayOf(filters: readonly string[], after: number, onCommit: (commit: Commit) => void, until: number, gone: AbortSignal): Promise<number> {
    const give = (commit: Commit): void => {
      gone.throwIfAborted();
      onCommit(commit);
    };
    gone.throwIfAborted();
    return this.log.replay(filters, after, give, until);
  }
}

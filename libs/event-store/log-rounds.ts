import { give } from './give-commit.js';
import type { LogEnd } from './log-end.js';
import type { LogFollowing } from './log-following.js';
import { LogReader, type LogStream } from './log-reader.js';

/**
 * The end of the log, looked at every so often and read in one piece. For a process that knows at once what it appends itself and is in no hurry to hear what others do: each
 * commit that is sent by itself costs the server and the process more than a tenth of a millisecond, a thousand in one piece some ten.
 */
export class LogRounds implements LogEnd {
  private readonly members = new Set<LogFollowing>();
  private readonly timer: NodeJS.Timeout;
  private reader: LogReader | undefined;
  private looking = false;
  /** What the round under way, or the next one, goes up to. */
  private wanted = 0;

  /** `lastPosition`: of the log now. Rejects as unavailable when the log is: the next look is tried all the same. */
  constructor(
    private readonly log: LogStream,
    private readonly lastPosition: () => Promise<number>,
    everyMs: number,
  ) {
    this.timer = setInterval(() => void this.look(), everyMs).unref();
  }

  join(following: LogFollowing, last: number): void {
    this.members.add(following);
    if (this.reader !== undefined && this.reader.position > following.position) this.endRound();
    this.hurry(last);
  }

  leave(following: LogFollowing): void {
    this.members.delete(following);
  }

  hurry(position: number): void {
    this.wanted = Math.max(this.wanted, position);
    if (this.reader === undefined) this.read();
  }

  reconnected(): void {
    this.reader?.reconnected();
  }

  close(): void {
    clearInterval(this.timer);
    this.endRound();
    this.endAll(undefined);
  }

  private async look(): Promise<void> {
    if (this.members.size === 0 || this.reader !== undefined || this.looking) return;
    this.looking = true;
    const last = await this.lastPosition().catch(() => 0);
    this.looking = false;
    this.hurry(last);
  }

  /** From what the slowest has seen, to what is wanted by then. */
  private read(): void {
    const from = Math.min(...Array.from(this.members, ({ position }) => position));
    if (this.members.size === 0 || from >= this.wanted) return;
    this.reader = new LogReader(
      this.log,
      from,
      undefined,
      (message) => {
        give(message, this.members);
        if (message.seq >= this.wanted) this.endRound();
      },
      (error) => this.endAll(error),
    );
  }

  private endRound(): void {
    this.reader?.stop();
    this.reader = undefined;
  }

  private endAll(error: unknown): void {
    for (const following of this.members) following.end(error);
  }
}

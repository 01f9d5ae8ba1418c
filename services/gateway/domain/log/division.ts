/**
 * Where in the log a time is. Clocks are set: a commit of a clock that ran ahead or behind says nothing of those around it, so that the log is divided where the fewest commits
 * are on the wrong side of it, those of earlier times behind and those of later ones before. Take its commits in order.
 */
export class Division {
  /** Of the last commit before it; 0: none is. */
  position = 0;
  private best = 0;
  private score = 0;

  constructor(private readonly time: number) {}

  /** One commit, or `count` of which the last is at `position`, on the same side of the time all. What tells no time (NaN), as an answer of the log's that somebody had sent there, is on neither. */
  take(position: number, time: number, count = 1): void {
    if (Number.isNaN(time)) return;
    this.score += time <= this.time ? count : -count;
    if (this.score <= this.best) return;
    this.best = this.score;
    this.position = position;
  }
}

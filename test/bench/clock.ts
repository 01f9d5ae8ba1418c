import type { Figures } from './comparison.js';

/** Milliseconds from lap to lap. */
export class Clock {
  readonly laps = new Map<string, number>();
  private last = performance.now();

  constructor(private readonly prefix = '') {}

  lap(step: string): number {
    const now = performance.now();
    const took = now - this.last;
    this.laps.set(this.prefix + step, took);
    this.last = now;
    return took;
  }

  withSum(name: string): Figures {
    const sum = [...this.laps.values()].reduce((total, lap) => total + lap, 0);
    return this.laps.set(this.prefix + name, sum);
  }
}

import type { Figures, Turn } from './comparison.js';
import { copies } from './copy.js';
import { crowd } from './crowd.js';
import { eventLog } from './event-log.js';
import { growth, idle } from './idle.js';
import type { Subject } from './subject.js';
import { statsOfAll } from './stats.js';
import { execAndForcedRemove, life, logs, manyAtOnce, manyInARow, runByCli, type Work } from './work.js';

/** Who there is to measure. */
export interface Field {
  readonly berth: Subject;
  /** Those that run here, of the wished ones; also below. */
  readonly dockerds: readonly Subject[];
  readonly podman: readonly Subject[];
  readonly bare: readonly Turn[];
}

/** One part of the benchmark: who does it, how often, and what it takes on a quiet machine of two cores. */
export interface Part {
  /** As --only names it. */
  readonly word: string;
  readonly rounds: number;
  /** What each does before it is measured: engines that have been running for a while are compared. */
  readonly warmUp?: number;
  readonly seconds: number;
  readonly turns: (field: Field) => readonly Turn[];
}

export interface Sizes {
  readonly rounds: number;
  readonly warmUp: number;
  readonly atOnce: number;
  readonly inARow: number;
  readonly crowd: number;
  readonly stats: number;
  readonly copyMegabytes: number;
  readonly logMegabytes: number;
  readonly largeLogMegabytes: number;
  readonly commits: number;
  readonly lives: number;
  /** For how long the engine is idle after them. */
  readonly restSeconds: number;
}

export const FULL: Sizes = { rounds: 30, warmUp: 200, atOnce: 50, inARow: 300, crowd: 500, stats: 100, copyMegabytes: 200, logMegabytes: 100, largeLogMegabytes: 1_000, commits: 60_000, lives: 2_000, restSeconds: 300 };
export const QUICK: Sizes = { rounds: 3, warmUp: 10, atOnce: 10, inARow: 20, crowd: 20, stats: 10, copyMegabytes: 20, logMegabytes: 10, largeLogMegabytes: 50, commits: 8_000, lives: 50, restSeconds: 3 };

/** In an order that disturbs least: memory at rest first, crowds last. Seconds are what one of each took here: berth 0.05, dockerd 0.4 and 0.6, podman 0.6 a life. */
export function programOf(sizes: Sizes): readonly Part[] {
  const { rounds, warmUp, atOnce, inARow, lives, restSeconds } = sizes;
  const few = Math.max(1, Math.ceil(rounds / 10));
  const perLife = 1.7;
  return [
    { word: 'idle', rounds: 1, seconds: 10, turns: (field) => each(compared(field), idle) },
    { word: 'bridge', rounds, warmUp, seconds: (rounds + 1 + warmUp) * perLife, turns: (field) => each(engines(field), life('bridge')) },
    { word: 'none', rounds, warmUp: few, seconds: (rounds + 1 + few) * 1.2, turns: (field) => [...each(engines(field), life('none')), ...field.bare] },
    { word: 'exec', rounds, warmUp, seconds: (rounds + 1 + warmUp) * perLife, turns: (field) => each(engines(field), execAndForcedRemove) },
    { word: 'cli', rounds, seconds: (rounds + 1) * 1.4, turns: (field) => each(engines(field), runByCli) },
    { word: 'copy', rounds: few, seconds: (few + 1) * (4 + sizes.copyMegabytes * 0.03), turns: (field) => each(engines(field), copies(sizes.copyMegabytes)) },
    { word: 'logs', rounds: few, seconds: (few + 1) * sizes.logMegabytes * 0.25, turns: (field) => each(compared(field), logs(sizes.logMegabytes)) },
    { word: 'large-log', rounds: 1, seconds: sizes.largeLogMegabytes * 0.25, turns: (field) => each(compared(field), logs(sizes.largeLogMegabytes)) },
    { word: 'log', rounds: 1, seconds: 5 + sizes.commits / 2_000, turns: () => [{ name: 'berth', perform: eventLog(sizes.commits) }] },
    { word: 'at-once', rounds: few, seconds: (few + 1) * atOnce * 0.5, turns: (field) => each(compared(field), manyAtOnce(atOnce)) },
    { word: 'in-a-row', rounds: 1, seconds: inARow, turns: (field) => each(compared(field), manyInARow(inARow)) },
    { word: 'growth', rounds: 1, seconds: 16 + lives * 0.04 + 2 * restSeconds, turns: ({ berth }) => each([berth], growth(lives, restSeconds)) },
    { word: 'stats', rounds: 1, seconds: 5 + sizes.stats * 0.6, turns: (field) => each(compared(field), statsOfAll(sizes.stats)) },
    { word: 'crowd', rounds: 1, seconds: 30 + sizes.crowd * 0.7, turns: (field) => each(compared(field), crowd(sizes.crowd)) },
  ];
}

/** Berth and those that it is to be compared with in everything. */
const compared = ({ berth, dockerds }: Field): readonly Subject[] => [berth, ...dockerds];
const engines = (field: Field): readonly Subject[] => [...compared(field), ...field.podman];
const each = (subjects: readonly Subject[], work: Work): readonly Turn[] => subjects.map((subject) => ({ name: subject.name, perform: (): Promise<Figures> => work(subject) }));

import { Clock } from './clock.js';
import type { Figures } from './comparison.js';
import { type Subject, idOf } from './subject.js';

/** One kind of work: done once, on an engine that nothing else asks meanwhile. Leaves no container behind. */
export type Work = (subject: Subject) => Promise<Figures>;

/** Longer than any benchmark; as PID 1 it ends by SIGKILL alone. */
export const STAY = ['sleep', '86400'];

/** The life of a container that does nothing, by the API, step by step. */
export const life = (network: 'bridge' | 'none'): Work => async (subject) => {
  const clock = new Clock(`${network}: `);
  const id = await subject.create(['true'], network);
  clock.lap('create');
  await subject.ask('POST', `/containers/${id}/start`);
  clock.lap('start');
  await subject.ask('POST', `/containers/${id}/wait`);
  clock.lap('wait');
  await subject.ask('DELETE', `/containers/${id}`);
  clock.lap('remove');
  return clock.withSum('sum');
};

/** An exec of `true` as clients do it, then rm -f of the container it ran in. */
export const execAndForcedRemove: Work = async (subject) => {
  const id = await subject.create(STAY, 'bridge');
  await subject.ask('POST', `/containers/${id}/start`);
  const clock = new Clock();
  const exec = idOf(await subject.ask('POST', `/containers/${id}/exec`, { Cmd: ['true'], AttachStdout: true, AttachStderr: true }));
  await subject.ask('POST', `/exec/${exec}/start`, { Detach: false, Tty: false }); // answered when the command's output ends
  await subject.ask('GET', `/exec/${exec}/json`);
  clock.lap('exec true');
  await subject.ask('DELETE', `/containers/${id}?force=1`);
  clock.lap('rm -f of a running container');
  return clock.laps;
};

/** The docker CLI's own start included: what a person waits for. */
export const runByCli: Work = async (subject) => {
  const clock = new Clock();
  await subject.runByCli('true');
  clock.lap('docker run --rm');
  return clock.laps;
};

/** `count` containers created and started at once, and removed at once. */
export const manyAtOnce = (count: number): Work => async (subject) => {
  const ids: string[] = [];
  const all = Array.from({ length: count });
  try {
    const clock = new Clock();
    await Promise.all(all.map(async () => ids.push(await startStaying(subject, 'bridge'))));
    clock.lap(`${count} started at once`);
    await removeAll(subject, ids);
    clock.lap(`${count} rm -f at once`);
    return clock.laps;
  } finally {
    await removeAll(subject, ids); // where a start failed
  }
};

/** `count` lives one after the other, as a build server does: all of them, and what a tenth of them took at the beginning and at the end. */
export const manyInARow = (count: number): Work => async (subject) => {
  const tenth = Math.ceil(count / 10);
  const clock = new Clock();
  const took: number[] = [];
  for (let done = 0; done < count; done++) {
    took.push(sumOf(await life('bridge')(subject)));
  }
  clock.lap(`${count} in a row`);
  const mean = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;
  return clock.laps.set(`${count} in a row: one of the first`, mean(took.slice(0, tenth))).set(`${count} in a row: one of the last`, mean(took.slice(-tenth)));
};

const sumOf = (figures: Figures): number => figures.get('bridge: sum') ?? 0;

/** A container that writes `megabytes` of lines to its log, and the log read back by the API. MB and GB are 10^6 and 10^9 bytes. */
export const logs = (megabytes: number): Work => async (subject) => {
  const bytes = megabytes * 1e6;
  const size = megabytes < 1_000 ? `${megabytes} MB` : `${megabytes / 1_000} GB`;
  const id = await subject.create(['sh', '-c', `yes ${'x'.repeat(99)} | head -c ${bytes}`], 'none');
  try {
    const clock = new Clock();
    await subject.ask('POST', `/containers/${id}/start`);
    await subject.ask('POST', `/containers/${id}/wait`);
    const written = clock.lap('written');
    const read = await subject.download(`/containers/${id}/logs?stdout=1&stderr=1`);
    const took = clock.lap('read');
    if (read < bytes) throw new Error(`${subject.name}: of ${bytes} bytes of log only ${read} came back`);
    return new Map([[`log of ${size} written, MB/s`, bytes / 1e3 / written], [`log of ${size} read, MB/s`, bytes / 1e3 / took]]);
  } finally {
    await subject.ask('DELETE', `/containers/${id}?force=1`);
  }
};

/** The id of a container that runs until it is removed. */
export async function startStaying(subject: Subject, network: 'bridge' | 'none'): Promise<string> {
  const id = await subject.create(STAY, network);
  await subject.ask('POST', `/containers/${id}/start`);
  return id;
}

/** Started side by side: an engine that is asked for all of a crowd at once may refuse some. */
const SIDE_BY_SIDE = 8;

/** Starts containers, side by side, until `ids` holds `count` of those that run until they are removed. */
export async function startCrowd(subject: Subject, ids: string[], count: number): Promise<void> {
  while (ids.length < count) {
    await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, count - ids.length) }, async () => ids.push(await startStaying(subject, 'bridge'))));
  }
}

/** Takes ids away from the list before it removes them, some side by side. */
export async function removeCrowd(subject: Subject, ids: string[]): Promise<void> {
  while (ids.length > 0) await removeAll(subject, ids.splice(0, SIDE_BY_SIDE));
}

/** Takes ids away from the list before it removes them. */
export async function removeAll(subject: Subject, ids: string[]): Promise<void> {
  await Promise.all(ids.splice(0).map((id) => subject.ask('DELETE', `/containers/${id}?force=1`)));
}

import { type Subject, idOf } from './subject.js';

/** Milliseconds a step took, in the order of a table's rows. */
export type Timings = ReadonlyMap<string, number>;

/** One kind of work: done once, on an engine that nothing else asks meanwhile. Leaves no container behind. */
export type Work = (subject: Subject) => Promise<Timings>;

/** Longer than any benchmark; as PID 1 it ends by SIGKILL alone. */
const STAY = ['sleep', '86400'];

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
  clock.lap('rm -f, running');
  return clock.laps;
};

/** The docker CLI's own start included: what a person waits for. */
export const runByCli: Work = async (subject) => {
  const clock = new Clock();
  await subject.cli(['run', '--rm', 'busybox', 'true']);
  clock.lap('docker run --rm');
  return clock.laps;
};

/** `count` containers created and started at once, listed, and removed at once. */
export const manyAtOnce = (count: number): Work => async (subject) => {
  const ids: string[] = [];
  const start = async () => {
    const id = await subject.create(STAY, 'bridge');
    ids.push(id);
    await subject.ask('POST', `/containers/${id}/start`);
  };
  const all = Array.from({ length: count });
  try {
    const clock = new Clock();
    await Promise.all(all.map(start));
    clock.lap(`${count} started at once`);
    await subject.ask('GET', '/containers/json?all=1');
    clock.lap(`ps -a of ${count}`);
    await removeAll(subject, ids);
    clock.lap(`${count} rm -f at once`);
    return clock.laps;
  } finally {
    await removeAll(subject, ids); // where a start failed
  }
};

async function removeAll(subject: Subject, ids: string[]): Promise<void> {
  await Promise.all(ids.splice(0).map((id) => subject.ask('DELETE', `/containers/${id}?force=1`)));
}

class Clock {
  readonly laps = new Map<string, number>();
  private last = performance.now();

  constructor(private readonly prefix = '') {}

  lap(step: string): void {
    const now = performance.now();
    this.laps.set(this.prefix + step, now - this.last);
    this.last = now;
  }

  withSum(name: string): Timings {
    const sum = [...this.laps.values()].reduce((total, lap) => total + lap, 0);
    return this.laps.set(this.prefix + name, sum);
  }
}

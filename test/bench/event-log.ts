import { kindFilter, subjectOf } from '#libs/event-store/aggregate-subject.js';
import { type Cause, noHead } from '#libs/event-store/event.js';
import { connectEventStore } from '#libs/event-store/jetstream-event-store.js';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { type Figures, median } from './comparison.js';

const CAUSE: Cause = { correlationId: 'bench', causationId: 'bench', actor: 'bench' };
/** As large as the events of a start. */
const EVENT = { type: 'StartRequested', padding: 'x'.repeat(300) } as const;
const IN_FLIGHT = 200;
const ONE_BY_ONE = 300;
/** The first compiles what the others run: of a long log it is a small part. */
const REPLAYS = 6;

/** Appends, each with an fsync before it is acknowledged, one by one and `IN_FLIGHT` at a time; then all of it replayed, some times. On a nats-server of its own. */
export const eventLog = (commits: number) => async (): Promise<Figures> => {
  const server = await TestNatsServer.start();
  try {
    const store = await connectEventStore({ servers: server.url, name: 'bench', source: '/berth/bench' });
    try {
      let next = 0;
      const append = (): Promise<unknown> => store.append(subjectOf('bench', String(next++)), noHead, [EVENT], CAUSE);
      const took: number[] = [];
      while (next < ONE_BY_ONE) {
        const before = performance.now();
        await append();
        took.push(performance.now() - before);
      }
      const began = performance.now();
      await Promise.all(Array.from({ length: IN_FLIGHT }, async () => { while (next < commits) await append(); }));
      const appended = (commits - ONE_BY_ONE) / ((performance.now() - began) / 1e3);
      const rates: number[] = [];
      for (let round = 0; round < REPLAYS; round++) {
        let seen = 0;
        const replayBegan = performance.now();
        await store.replay([kindFilter('bench')], 0, () => void seen++);
        rates.push(seen / ((performance.now() - replayBegan) / 1e3));
        if (seen < commits) throw new Error(`of ${commits} commits only ${seen} were replayed`);
      }
      const [cold = 0, ...warm] = rates;
      return new Map([['append, one by one', median(took)], [`appends ${IN_FLIGHT} at a time, commits/s`, appended], ['cold: replay, commits/s', cold], ['replay, commits/s', median(warm)]]);
    } finally {
      await store.close();
    }
  } finally {
    await server.stop();
  }
};

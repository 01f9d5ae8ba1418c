import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stale } from '#libs/errors/errors.js';
import { noHead, type Cause, type Commit } from '../event.js';
import type { EventStore } from '../event-store.js';
import { verifyChain } from '../verify-chain.js';

const cause: Cause = { correlationId: 'c-1', causationId: 'command-1', actor: 'uid 0, pid 7 "ünï"', traceparent: '00-ab-cd-01' };
const happened = (n: number): { type: string; n: number } => ({ type: 'Happened', n });
const fresh = (kind = 'thing'): string => `berth.event.${kind}.${randomUUID()}`;

/** What every event store promises. `open` is called once; the suite closes what it gives. */
export function eventStoreSuite(name: string, open: () => Promise<EventStore>): void {
  describe(name, () => {
    let store: EventStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    test('what was appended is read back whole', async () => {
      const subject = fresh();
      const time = new Date('2026-02-03T04:05:06.789Z');
      const written = await store.append(subject, noHead, [{ type: 'Naïve', text: 'é\n☃' }, { type: 'Other', text: '' }], cause, { id: randomUUID(), time, source: '/berth/test' });
      const [read] = await store.read(subject);
      expect(read).toMatchObject({ ...written, time: '2026-02-03T04:05:06.789Z', source: '/berth/test', cause, previousHash: '' });
      expect(await store.lastPosition()).toBe(written.position);
    });

    test('commits of a subject are chained', async () => {
      const subject = fresh();
      const first = await store.append(subject, noHead, [happened(1)], cause);
      const second = await store.append(subject, headOf(first), [happened(2)], cause);
      expect(second.previousHash).toBe(first.hash);
      expect((await store.read(subject)).map((commit) => commit.hash)).toEqual([first.hash, second.hash]);
    });

    test('an append that expects an older head is stale', async () => {
      const subject = fresh();
      const first = await store.append(subject, noHead, [happened(1)], cause);
      await expect(store.append(subject, noHead, [happened(2)], cause)).rejects.toBeInstanceOf(Stale);
      await store.append(subject, headOf(first), [happened(2)], cause);
      await expect(store.append(subject, headOf(first), [happened(3)], cause)).rejects.toBeInstanceOf(Stale);
      expect(await store.read(subject)).toHaveLength(2);
    });

    test('of many first appends at once one wins', async () => {
      const subject = fresh('claim');
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.append(subject, noHead, [happened(n)], cause)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('the same id again changes nothing and gives the first commit', async () => {
      const subject = fresh();
      const id = randomUUID();
      const first = await store.append(subject, noHead, [happened(1)], cause, { id });
      const again = await store.append(subject, noHead, [happened(1)], { ...cause, correlationId: 'c-2' }, { id });
      expect(again).toMatchObject({ position: first.position, hash: first.hash, cause, events: [happened(1)] });
      expect(await store.read(subject)).toHaveLength(1);
    });

    test('a subject that never was has no commits', async () => {
      expect(await store.read(fresh())).toEqual([]);
    });

    test('a replay gives what matches, in order, after a position', async () => {
      const [one, other] = [fresh('replayed'), fresh('other')];
      const first = await store.append(one, noHead, [happened(1)], cause);
      const second = await store.append(one, headOf(first), [happened(2)], cause);
      const foreign = await store.append(other, noHead, [happened(0)], cause);
      const seen: Commit[] = [];
      expect(await store.replay(['berth.event.replayed.>'], 0, (commit) => seen.push(commit))).toBe(foreign.position);
      expect(seen.map(({ position }) => position)).toEqual([first.position, second.position]);
      seen.length = 0;
      const some: Commit[] = [];
      await store.replay(['berth.event.replayed.>'], 0, (commit) => some.push(commit), first.position);
      expect(some.map(({ position }) => position)).toEqual([first.position]);
      await store.replay(['berth.event.replayed.*', 'berth.event.other.>'], first.position, (commit) => seen.push(commit));
      expect(seen.map(({ position }) => position)).toEqual([second.position, foreign.position]);
    });

    test('a replay whose reader throws rejects with that, also at its last commit', async () => {
      const subject = fresh('unreadable');
      const first = await store.append(subject, noHead, [happened(1)], cause);
      await store.append(subject, headOf(first), [happened(2)], cause);
      const failure = new Error('cannot fold');
      for (const at of [1, 2]) {
        let n = 0;
        await expect(store.replay([subject], 0, () => {
          if (++n === at) throw failure;
        })).rejects.toBe(failure);
        expect(n).toBe(at);
      }
    });

    test('a following has no gap and nothing twice between what was there and what comes', async () => {
      const subject = fresh('followed');
      let head = noHead;
      const write = async (n: number): Promise<void> => {
        head = headOf(await store.append(subject, head, [happened(n)], cause));
      };
      for (let n = 0; n < 50; n++) await write(n);
      const seen: number[] = [];
      const opening = store.follow(['berth.event.followed.>'], 0, (commit) => seen.push((commit.events[0] as { n?: number }).n ?? -1));
      for (let n = 50; n < 120; n++) await write(n);
      const following = await opening;
      expect(seen.length).toBeGreaterThanOrEqual(50);
      await following.waitFor(head.sequence);
      expect(seen).toEqual(Array.from({ length: 120 }, (_, n) => n));
      await following.stop();
      await write(120);
      expect(seen).toHaveLength(120);
      expect(await following.ended).toBeUndefined();
    });

    test("a following can wait for a position that is another subject's", async () => {
      const following = await store.follow(['berth.event.never.>'], 0, () => undefined);
      const foreign = await store.append(fresh(), noHead, [happened(1)], cause);
      await following.waitFor(foreign.position);
      expect(following.position).toBeGreaterThanOrEqual(foreign.position);
      const future = following.waitFor(foreign.position + 1);
      const early = await Promise.race([future.then(() => 'early'), new Promise((resolve) => setTimeout(resolve, 50, 'waits'))]);
      expect(early).toBe('waits');
      await store.append(fresh(), noHead, [happened(2)], cause);
      await future;
      await following.stop();
    });

    test('a following that is stopped lets go who waits', async () => {
      const following = await store.follow(['berth.event.never.>'], 0, () => undefined);
      await expect(following.waitFor(Number.MAX_SAFE_INTEGER, 10)).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('has not reached') as string });
      const waiting = following.waitFor(Number.MAX_SAFE_INTEGER);
      await following.stop();
      await expect(waiting).rejects.toMatchObject({ kind: 'unavailable' });
    });

    test('a reader that throws ends its following and says why', async () => {
      const subject = fresh('broken');
      const failure = new Error('cannot fold');
      const following = await store.follow(['berth.event.broken.>'], 0, () => {
        throw failure;
      });
      const { position } = await store.append(subject, noHead, [happened(1)], cause);
      await expect(following.waitFor(position)).rejects.toBe(failure);
      expect(await following.ended).toBe(failure);
    });

    test('its chain holds', async () => {
      const { commits, broken } = await verifyChain(store);
      expect(commits).toBe(await store.lastPosition());
      expect(broken).toEqual([]);
    });
  });
}

const headOf = ({ position, hash }: Commit): { sequence: number; hash: string } => ({ sequence: position, hash });

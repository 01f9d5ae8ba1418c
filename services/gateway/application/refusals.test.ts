import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AccessEvent } from '#contracts/gateway/access-events.js';
import { unavailable } from '#libs/errors/errors.js';
import { subjectOf } from '#libs/event-store/aggregate-subject.js';
import { type Commit, type DomainEvent, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { WRITTEN_A_MINUTE } from '../domain/access/refusal-decider.js';
import { RefusalLog } from './refusals.js';

const asked = { actor: 'uid:1000 pid:7', correlationId: 'c', causationId: 'd' };
const caller = { by: 'certificate', commonName: 'alice', organisationalUnits: [] } as const;
const subject = subjectOf('access', 'cn:alice');
const refusal = { route: 'POST /containers/:id/stop', target: 'web', reason: 'no', by: 'policy' } as const;

/** A log that tells what was read of it, and may be away. */
class Log extends MemoryEventStore {
  readonly given: string[] = [];
  isAway = false;

  override replay(...asked: Parameters<MemoryEventStore['replay']>): Promise<number> {
    const [filters, after, onCommit, to] = asked;
    return super.replay(filters, after, (commit) => (this.given.push(commit.subject), onCommit(commit)), to);
  }

  override append<E extends DomainEvent>(...asked: Parameters<typeof MemoryEventStore.prototype.append<E>>): Promise<Commit<E>> {
    return this.isAway ? Promise.reject(unavailable('the log is away')) : super.append(...asked);
  }

  async written(): Promise<readonly AccessEvent[]> {
    return (await this.read(subject)).flatMap(({ events }) => events as readonly unknown[] as readonly AccessEvent[]);
  }
}

const refuse = async (refusals: RefusalLog, times: number): Promise<void> => void (await Promise.all(Array.from({ length: times }, () => refusals.record(caller, refusal, asked))));

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) }));
afterEach(() => void vi.useRealTimers());

test('of a long log a caller\'s own refusals are read, once, when he is refused', async () => {
  const log = new Log();
  for (let n = 0; n < 10; n++) await log.append(`berth.event.container.${n}`, noHead, [{ type: 'Happened' }], asked);
  await refuse(new RefusalLog(log), 3);
  expect(log.given).toEqual([]);
  const again = new RefusalLog(log);
  expect(log.given).toEqual([]);
  await refuse(again, 2);
  expect(log.given).toEqual([subject, subject, subject]);
  expect(await log.written()).toHaveLength(5);
});

test('more than so many a minute are counted for the next that is written, over a restart too', async () => {
  const log = new Log();
  await refuse(new RefusalLog(log), WRITTEN_A_MINUTE - 10);
  const restarted = new RefusalLog(log);
  await refuse(restarted, 25);
  expect(await log.written()).toHaveLength(WRITTEN_A_MINUTE);
  vi.setSystemTime(Date.UTC(2026, 0, 1, 0, 1));
  await refuse(restarted, 2);
  expect((await log.written()).slice(WRITTEN_A_MINUTE)).toEqual([{ type: 'AccessRefused', ...refusal, unwritten: 15, at: '2026-01-01T00:01:00.000Z' }, { type: 'AccessRefused', ...refusal, at: '2026-01-01T00:01:00.000Z' }]);
});

test('what came late to the log is read before more is written', async () => {
  const log = new Log();
  const [one, other] = [new RefusalLog(log), new RefusalLog(log)];
  await refuse(one, 1);
  await refuse(other, WRITTEN_A_MINUTE - 2);
  await refuse(one, 5);
  expect(await log.written()).toHaveLength(WRITTEN_A_MINUTE);
});

test('a log that is away keeps no refusal back, and has it counted when it is there again', async () => {
  const log = new Log();
  const refusals = new RefusalLog(log);
  log.isAway = true;
  await refuse(refusals, 2);
  log.isAway = false;
  await refuse(refusals, 1);
  expect((await log.written()).map(({ unwritten }) => unwritten)).toEqual([2]);
});

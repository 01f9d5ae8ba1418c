import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSubject } from '#libs/event-store/aggregate-subject.js';
import { type Commit, type DomainEvent, noHead } from '#libs/event-store/event.js';
import { MemoryEventStore } from '#libs/event-store/testing/memory-event-store.js';
import { historyOf as lifeOf } from '../../../test/log/container-histories.js';
import { ChapterFiles } from '../adapters/chapters/chapter-files.js';
import type { DockerEvent } from '../domain/docker/event.js';
import { DockerEvents, type LoggedEvent } from '../domain/docker/events.js';
import type { ContainerAt } from '../domain/log/container-fold.js';
import { engineStatus } from '../domain/log/engine-status.js';
import { type Candidate, candidateOf, candidateOfOther, findTarget, nameOther, type Other, unnamed } from '../domain/log/find-subject.js';
import { historyOf } from '../domain/log/history.js';
import { EVENT_SUBJECTS, EventFeed, type EventReader } from './event-feed.js';
import { ALL, LogChronicle } from './log-chronicle.js';
import { LogReading } from './log-reading.js';
import { foldContainers } from '../testing/fold-containers.js';

const CHAPTER = 20;
const IMAGE = 'c'.repeat(64);
const present = new AbortController().signal;

let folder: string;
let store: MemoryEventStore;
let errors: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-chapters-'));
  store = new MemoryEventStore();
  errors = [];
});
afterEach(() => rm(folder, { recursive: true }));

const chronicleOf = (): LogChronicle => new LogChronicle(store, new ChapterFiles(join(folder, 'chapters')), join(folder, 'chronicle.snapshot'), (error) => void errors.push(error), CHAPTER);
const heads = new Map<string, Commit>();

/** Appends as writers do; `time`: when it was decided. */
async function append(subject: string, event: DomainEvent, time: Date): Promise<void> {
  const known = (await store.read(subject)).at(-1);
  const head = known ? { sequence: known.position, hash: known.hash } : noHead;
  heads.set(subject, await store.append(subject, head, [event], { correlationId: 'c', causationId: 'c', actor: 'test' }, { time }));
}

/** Lives of containers that overlap, an image that comes, goes and comes again, and a clock that is set back once. */
async function live(from: number, to: number): Promise<void> {
  const lives = Array.from({ length: to - from }, (_, index) => [...lifeOf(from + index, { stays: (from + index) % 3 === 0 })]);
  let at = Date.UTC(2026, 0, 1) + from * 60_000;
  const tick = (): Date => new Date((at += 250));
  await append(`berth.event.image.sha256:${IMAGE}`, { type: 'ImageTagged', image: `sha256:${IMAGE}`, reference: `docker.io/library/round${from}:latest`, at: tick().toISOString() } as DomainEvent, tick());
  for (let step = 0; lives.some((life) => step < life.length + lives.length); step++) {
    for (const [index, life] of lives.entries()) {
      const decision = life[step - index];
      if (decision === undefined) continue;
      if (from > 0 && step === 9 && index === 2) at -= 5_000;
      const time = tick();
      const event = 'at' in decision.event ? { ...decision.event, at: time.toISOString() } : decision.event;
      await append(decision.subject, event, time);
    }
  }
  await append(`berth.event.image.sha256:${IMAGE}`, { type: 'ImageRemoved', image: `sha256:${IMAGE}`, at: tick().toISOString() } as DomainEvent, tick());
}

async function wholeLog(): Promise<Commit[]> {
  const commits: Commit[] = [];
  await store.replay(ALL, 0, (commit) => commits.push(commit));
  return commits;
}

const formerOf = ({ id, name }: ContainerAt, commits: readonly Commit[]): readonly string[] => {
  const renames = commits.filter(({ subject }) => subject.endsWith(id)).flatMap(({ events }) => events as readonly { readonly type: string; readonly oldName?: string }[]);
  return [...new Set(renames.flatMap(({ type, oldName }) => (type === 'ContainerRenamed' && oldName !== undefined && oldName !== name ? [oldName] : [])))];
};

/** The same answers in the plain way: all of the log, from its beginning. */
const plain = {
  until: (commits: readonly Commit[], time: number): readonly Commit[] => {
    const isLater = commits.map((commit) => Date.parse(commit.time) > time);
    const wrong = [...commits.keys(), commits.length].map((index) => isLater.filter((later, at) => (at < index) === later).length);
    return commits.slice(0, wrong.indexOf(Math.min(...wrong)));
  },
  containers: (commits: readonly Commit[]) => [...foldContainers(commits).values()].filter(({ status }) => status !== 'removed'),
  candidates: (commits: readonly Commit[]): Candidate[] => {
    const others = new Map<string, Other>();
    for (const { subject, events, position } of commits) {
      const { kind, id } = parseSubject(subject);
      if (kind !== 'image' && kind !== 'volume' && kind !== 'network' && kind !== 'access') continue;
      const other = others.get(subject) ?? unnamed(kind, id, position);
      others.set(subject, other);
      nameOther(other, events);
    }
    return [...[...foldContainers(commits).values()].map((container, order) => candidateOf(container, order, formerOf(container, commits))), ...Array.from(others.values(), candidateOfOther)];
  },
  events: (commits: readonly Commit[], since: number, until: number): DockerEvent[] => {
    const events = new DockerEvents();
    const all = commits.filter(({ subject }) => EVENT_SUBJECTS.some((filter) => subject.startsWith(filter.slice(0, -1)))).flatMap((commit) => events.translate(commit.events as readonly unknown[] as readonly LoggedEvent[]));
    return all.filter(({ at }) => Date.parse(at) >= since && Date.parse(at) <= until);
  },
};

const outcome = async (ask: () => unknown): Promise<unknown> => {
  try {
    return await ask();
  } catch (error) {
    return String(error);
  }
};

async function expectSameAnswers(chronicle: LogChronicle): Promise<void> {
  const commits = await wholeLog();
  const reading = new LogReading(store, chronicle);
  const feed = new EventFeed(store, chronicle);
  const times = [...commits.filter((_, index) => index % 7 === 0).map(({ time }) => Date.parse(time)), 0, Infinity];
  const names = ['container-0', 'container-1', 'container-4', '0', '00', 'f', 'nobody', 'round0', 'round10', 'e', ...[1, 3, 4].map((n) => n.toString(16).padStart(64, '0')), `f${'4'.padStart(63, '0')}`, `sha256:${IMAGE}`, IMAGE.slice(0, 9)];

  for (const time of times) {
    const then = plain.until(commits, time);
    const { moment, position } = await reading.at(time);
    expect(position).toBe(commits.length);
    expect(moment.position).toBe(then.length);
    expect([...moment.chronicle.containers.values()]).toEqual(plain.containers(then));
    for (const name of names.slice(0, 6)) {
      const wanted = plain.candidates(then).filter(({ kind }) => kind === 'container');
      const found = await outcome(() => foldContainers(then).get(findTarget(wanted, name).id));
      const told = await outcome(() => reading.container(moment, name, present));
      expect(typeof found === 'string' ? typeof told : told, `${name} at ${time}`).toEqual(typeof found === 'string' ? 'string' : found);
    }
  }
  for (const name of names) {
    const found = await outcome(() => historyOf(commits, findTarget(plain.candidates(commits), name)));
    expect(await outcome(async () => (await Array.fromAsync((await reading.history(name, present)).pieces)).flat()), name).toEqual(found);
  }
  for (const since of times.filter(Number.isFinite).slice(0, 40)) {
    for (const until of [since, since + 3_000, Date.now()]) {
      const told: DockerEvent[] = [];
      await feed.subscribe({ since: new Date(since).toISOString(), until: new Date(until).toISOString() }, readerOf(told));
      expect(told, `${since} to ${until}`).toEqual(plain.events(commits, since, until));
    }
  }
  const status = engineStatus((await reading.at(Infinity)).moment.chronicle, 0, [], []);
  expect(status).toMatchObject({ commits: commits.length, events: commits.reduce((sum, { events }) => sum + events.length, 0), firstCommit: commits[0]?.time, lastCommit: commits.at(-1)?.time });
  expect(Object.keys(status.commitsByAggregate)).toEqual(Object.keys(status.commitsByAggregate).toSorted());
}

const readerOf = (told: DockerEvent[], gone = new AbortController().signal): EventReader => ({ take: (event) => void told.push(event), ready: () => Promise.resolve(), gone });
const chapters = (): number => (existsSync(join(folder, 'chapters')) ? readdirSync(join(folder, 'chapters')).length / 2 : 0);

test('every answer is the one that reading all of the log gives, while it grows and after restarts', async () => {
  const first = chronicleOf();
  await first.start();
  await live(0, 7);
  await expectSameAnswers(first);
  await first.stop();
  expect(chapters()).toBeGreaterThan(4);

  const second = chronicleOf();
  await second.start();
  await expectSameAnswers(second);
  await live(10, 16);
  await expectSameAnswers(second);

  // It was killed: its snapshot is older than its chapters.
  const third = chronicleOf();
  await third.start();
  await expectSameAnswers(third);
  await third.stop();
  await second.stop();
  expect(errors).toEqual([]);
}, 60_000);

test.each([
  ['ahead', Date.UTC(2031, 0, 1)],
  ['behind', 0],
])('one commit by a clock that ran %s takes no time from the past', async (_, wrong) => {
  const chronicle = chronicleOf();
  await chronicle.start();
  const hour = (number: number): number => Date.UTC(2026, 0, 1, number);
  for (let number = 0; number < 5 * CHAPTER; number++) await append(`berth.event.volume.v${number}`, { type: 'VolumeCreated', name: `v${number}`, driver: 'local', at: '' } as DomainEvent, new Date(number === 50 ? wrong : hour(number)));
  await chronicle.caughtUp();
  for (const number of [0, 10, 30, 48, 52, 70, 90]) expect((await chronicle.until(hour(number))).position, `hour ${number}`).toBe(number + 1);
  await chronicle.stop();
});

test('a start reads no more of the log than what is newer than its files, and asks for the past read a chapter', async () => {
  const first = chronicleOf();
  await first.start();
  await live(0, 12);
  await first.stop();
  const { length } = await wholeLog();
  let read = 0;
  const [replay, follow, commitAt] = [store.replay.bind(store), store.follow.bind(store), store.commitAt.bind(store)];
  store.replay = (filters, after, onCommit, to) => replay(filters, after, (commit) => (read++, onCommit(commit)), to);
  store.follow = (filters, after, onCommit) => follow(filters, after, (commit) => (read++, onCommit(commit)));
  store.commitAt = (position) => (read++, commitAt(position));
  const counted = async (work: () => Promise<unknown>): Promise<number> => {
    read = 0;
    await work();
    return read;
  };
  const second = chronicleOf();
  expect(await counted(() => second.start())).toBeLessThan(5);
  const reading = new LogReading(store, second);
  const aWhileAgo = Date.parse((await store.commitAt(Math.floor(length / 2)))!.time);
  expect(await counted(() => reading.at(aWhileAgo))).toBeLessThanOrEqual(2 * CHAPTER);
  expect(await counted(() => reading.history('container-3', present))).toBeLessThan(25);
  expect(await counted(() => reading.containerNow('container-3', present))).toBe(0);
  const window = { since: new Date(aWhileAgo).toISOString(), until: new Date(aWhileAgo + 250).toISOString() };
  expect(await counted(() => new EventFeed(store, second).subscribe(window, readerOf([])))).toBeLessThan(4 * CHAPTER);
  expect(length).toBeGreaterThan(10 * CHAPTER);
  await second.stop();
});

test.each([
  ['an index is damaged', '3.index'],
  ['a state is damaged', '3.state'],
])('where %s, what it tells is made anew', async (_, file) => {
  const first = chronicleOf();
  await first.start();
  await live(0, 4);
  await first.stop();
  // The newest of the files: only that one can be torn by a power cut.
  for (const name of readdirSync(join(folder, 'chapters'))) if (Number.parseInt(name, 10) > 3) await rm(join(folder, 'chapters', name));
  writeFileSync(join(folder, 'chapters', file), 'no chapter');
  const second = chronicleOf();
  await second.start();
  await expectSameAnswers(second);
  await second.stop();
});

test('chapters of another log are not believed', async () => {
  const first = chronicleOf();
  await first.start();
  await live(0, 4);
  await first.stop();
  store = new MemoryEventStore();
  await live(20, 26);
  const second = chronicleOf();
  await second.start();
  await expectSameAnswers(second);
  await second.stop();
});

test('a chapter that cannot be written goes on, until it can', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  await rm(join(folder, 'chapters'), { recursive: true });
  writeFileSync(join(folder, 'chapters'), 'no directory');
  await live(0, 4);
  expect(errors.length).toBeGreaterThan(0);
  await expectSameAnswers(chronicle);
  await rm(join(folder, 'chapters'));
  await new ChapterFiles(join(folder, 'chapters')).load(async () => true);
  await live(10, 12);
  expect(chapters()).toBeGreaterThan(0);
  await expectSameAnswers(chronicle);
  await chronicle.stop();
});

test('without a beginning an end is that of all that is past; a beginning that is to come keeps nothing back', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  await live(0, 3);
  const feed = new EventFeed(store, chronicle);
  const past = plain.events(await wholeLog(), 0, Date.now());
  const told: DockerEvent[] = [];
  await feed.subscribe({ since: '', until: new Date().toISOString() }, readerOf(told));
  expect(told).toEqual(past);
  const over = new AbortController();
  const came: DockerEvent[] = [];
  const subscribed = feed.subscribe({ since: '9999-01-01T00:00:00.000000000Z', until: '' }, readerOf(came, over.signal));
  await expect.poll(() => feed.subscribers).toBe(1);
  await append('berth.event.volume.v', { type: 'VolumeCreated', name: 'v', driver: 'local', at: new Date().toISOString() } as DomainEvent, new Date());
  await expect.poll(() => came.map(({ id }) => id)).toEqual(['v']);
  over.abort();
  await subscribed;
  await chronicle.stop();
});

test('a window of the past begins and ends with its nanoseconds', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  const at = (nanos: number): string => `2026-01-01T00:00:00.000${String(nanos).padStart(6, '0')}Z`;
  for (const nanos of [100_000, 100_001, 100_002, 100_003]) await append(`berth.event.volume.v${nanos}`, { type: 'VolumeCreated', name: `v${nanos}`, driver: 'local', at: at(nanos) } as DomainEvent, new Date(at(0)));
  const told: DockerEvent[] = [];
  await new EventFeed(store, chronicle).subscribe({ since: at(100_001), until: at(100_002) }, readerOf(told));
  expect(told.map(({ id }) => id)).toEqual(['v100001', 'v100002']);
  await chronicle.stop();
});

test('of what is past no more is read than its reader is ready for, and nothing once it has gone', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  await live(0, 7);
  const told: DockerEvent[] = [];
  const gone = new AbortController();
  const readiness: (() => void)[] = [];
  const ready = (): Promise<void> => new Promise((resolve) => readiness.push(resolve));
  const subscribed = new EventFeed(store, chronicle).subscribe({ since: '1970-01-01T00:00:00Z', until: '' }, { take: (event) => void told.push(event), ready, gone: gone.signal });
  let before = 0;
  for (let piece = 1; piece < 4; piece++) {
    await expect.poll(() => readiness.length).toBe(piece);
    expect(told.length).toBeGreaterThan(before);
    expect(told.length - before).toBeLessThan(3 * CHAPTER);
    before = told.length;
    if (piece === 3) gone.abort();
    readiness.at(-1)?.();
  }
  await subscribed;
  expect(told).toHaveLength(before);
  expect(plain.events(await wholeLog(), 0, Date.now()).length).toBeGreaterThan(before);
  await chronicle.stop();
});

test('a long history comes a chapter at once, and no further than it is wanted', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  for (let number = 0; number < 5 * CHAPTER; number++) await append('berth.event.volume.v', { type: 'VolumeCreated', name: 'v', driver: 'local', at: new Date().toISOString() } as DomainEvent, new Date());
  const { pieces } = await new LogReading(store, chronicle).history('v', present);
  let read = 0;
  const commitAt = store.commitAt.bind(store);
  store.commitAt = (position) => (read++, commitAt(position));
  for await (const piece of pieces) {
    expect(piece).toHaveLength(CHAPTER);
    expect(piece[0]?.position).toBe(1);
    break;
  }
  expect(read).toBe(CHAPTER);
  await chronicle.stop();
});

test('those who look into every chapter wait for one another, most need not, and no more is read for who has gone', async () => {
  const files = new ChapterFiles(join(folder, 'chapters'));
  const chronicle = new LogChronicle(store, files, join(folder, 'chronicle.snapshot'), (error) => void errors.push(error), CHAPTER);
  await chronicle.start();
  await live(0, 12);
  const count = chapters();
  expect(count).toBeGreaterThan(5);
  const index = files.index.bind(files);
  const looked = { total: 0, now: 0, most: 0, onFirst: () => undefined as void };
  files.index = async (number) => {
    if (looked.total++ === 0) looked.onFirst();
    looked.most = Math.max(looked.most, ++looked.now);
    return index(number).finally(() => looked.now--);
  };
  const reading = new LogReading(store, chronicle);
  const ask = (): Promise<unknown> => outcome(() => reading.history('abc', present));
  await ask();
  const { most } = looked;
  await Promise.all([1, 2, 3, 4, 5].map(ask));
  expect(looked).toMatchObject({ most, total: 6 * count });

  looked.total = 0;
  await outcome(() => reading.history('nobody', present));
  await outcome(() => reading.history('abcd', present));
  expect(looked.total).toBeLessThan(3);
  await reading.history('container-1', present);
  expect(looked.total).toBeLessThan(6);

  looked.total = 0;
  const leaving = new AbortController();
  looked.onFirst = () => leaving.abort();
  const asked = [1, 2, 3].map(() => reading.history('abc', leaving.signal));
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(looked.total).toBe(1);
  await chronicle.stop();
});

test('of the past no more pieces are read at once than four, however many ask; who follows from now on does not wait, and who leaves meanwhile is let go', async () => {
  const chronicle = chronicleOf();
  await chronicle.start();
  const volumes = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `v${from + index}`);
  const create = async (name: string): Promise<void> => append(`berth.event.volume.${name}`, { type: 'VolumeCreated', name, driver: 'local', at: new Date().toISOString() } as DomainEvent, new Date());
  for (const name of volumes(0, 1100)) await create(name);
  await chronicle.caughtUp();
  const reads = { now: 0, most: 0, held: Promise.withResolvers<void>() };
  const replay = store.replay.bind(store);
  store.replay = async (...asked) => {
    reads.most = Math.max(reads.most, ++reads.now);
    await reads.held.promise;
    return replay(...asked).finally(() => reads.now--);
  };
  const feed = new EventFeed(store, chronicle);
  const reading = new LogReading(store, chronicle);
  const over = new AbortController();
  const events = (since: string): { told: DockerEvent[]; ended: Promise<void> } => {
    const told: DockerEvent[] = [];
    return { told, ended: feed.subscribe({ since, until: '' }, readerOf(told, over.signal)) };
  };
  const entries = (from: number, gone = over.signal): { told: string[]; ended: Promise<void> } => {
    const told: string[] = [];
    return { told, ended: reading.entries(from, true, { take: (some) => void told.push(...some.map(({ subject }) => parseSubject(subject).id)), ready: () => Promise.resolve(), gone }) };
  };

  const past = [...[1, 2, 3].map(() => events('1970-01-01T00:00:00Z')), ...[1, 2, 3].map(() => entries(0))];
  await expect.poll(() => reads.now).toBe(4);
  const leaving = new AbortController();
  const left = [entries(0, leaving.signal).ended, feed.subscribe({ since: '1970-01-01T00:00:00Z', until: '' }, readerOf([], leaving.signal))];
  const live = [events(''), entries(1100)];
  await expect.poll(() => feed.subscribers).toBe(1);
  await create('v1100');
  const seen = ({ told }: { readonly told: readonly (string | DockerEvent)[] }): string[] => told.map((one) => (typeof one === 'string' ? one : one.id));
  await expect.poll(() => live.map(seen)).toEqual([['v1100'], ['v1100']]);
  leaving.abort();
  await Promise.all(left);
  expect(reads).toMatchObject({ now: 4, most: 4 });

  reads.held.resolve();
  await create('v1101');
  await expect.poll(() => past.map(({ told }) => told.length)).toEqual(past.map(() => 1102));
  await create('v1102');
  await expect.poll(() => past.map(seen)).toEqual(past.map(() => volumes(0, 1103)));
  expect(reads.most).toBe(4);
  over.abort();
  await Promise.all([...past, ...live].map(({ ended }) => ended));
  await chronicle.stop();
});

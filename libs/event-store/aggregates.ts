import { randomUUID } from 'node:crypto';
import { Stale, internal } from '#libs/errors/errors.js';
import { logger } from '#libs/telemetry/logger.js';
import { causedHere, isTracing, traced } from '#libs/telemetry/tracing.js';
import { AggregateSnapshot, type AggregateSnapshotOptions } from './aggregate-snapshot.js';
import { kindFilter, parseSubject, subjectOf } from './aggregate-subject.js';
import type { Decider } from './decider.js';
import { noHead, type AggregateSubject, type Cause, type Commit, type DomainEvent, type Head } from './event.js';
import type { EventStore, Following } from './event-store.js';
import { RememberedResults, idOfKey } from './remembered-results.js';

export interface AggregatesOptions<State> {
  /** The ce-source of what is appended here. */
  readonly source: string;
  /** Lifts an event of an older version, see upcast.ts. */
  readonly upcast?: (event: DomainEvent) => DomainEvent;
  /**
   * True for a state to which nothing can happen that could not happen to `initialState`: such an aggregate is not listed and leaves memory.
   * A command to it is decided on the initial state first; where that yields events, the log refuses them, and it is decided on the true state.
   */
  readonly isGone?: (state: State) => boolean;
  /** Ids of what is gone are used again: of so many that went last the true state stays in memory, so that the log does not have to refuse, be read, and be asked again. */
  readonly mayReturn?: number;
  /** Start from a snapshot; `saveSnapshot` makes one. */
  readonly snapshot?: AggregateSnapshotOptions<State>;
}

export interface Executed<State, Event> {
  /** After the command; of a dry run, before it. */
  readonly state: State;
  /** What was decided, by the first of all commands with the same idempotency key. */
  readonly events: readonly Event[];
  /** Position of the commit; 0 when nothing was appended. */
  readonly position: number;
  /** An idempotency key came again: this is what the first command with it did, whose effects they are. */
  readonly repeated?: true;
}

/** `live`: false for what is replayed in `start`. Called in the order of each aggregate's commits, after the fold. Must not throw. */
export type CommitListener<State, Event extends DomainEvent> = (id: string, commit: Commit<Event>, state: State, live: boolean) => void;

/** Called after the listeners to commits. Must not throw. */
export type UnansweredListener<Event extends DomainEvent> = (id: string, commit: Commit<Event>) => void;

interface Folded<State> {
  readonly id: string;
  state: State;
  head: Head;
}

/** Commands to one aggregate that become one commit. Whoever comes next begins it. */
interface Together<State, Command, Event> {
  readonly cause: Cause;
  readonly commands: [Command, ...Command[]];
  readonly begin: () => void;
  readonly done: Promise<readonly Executed<State, Event>[]>;
}

/** A command, and its commit where the following had it before the answer. */
interface UnderWay<Event extends DomainEvent> {
  heard?: { readonly id: string; readonly commit: Commit<Event> };
}

const attempts = 5;

/**
 * All aggregates of one kind, folded in memory, and the way to change them. Commands to one aggregate queue; an own commit is folded when the log
 * has acknowledged it, others' when they come. One `start`, then use, then `stop`; the store stays its owner's.
 */
export class Aggregates<State, Command extends { readonly type: string }, Event extends DomainEvent> {
  private readonly folded = new Map<string, Folded<State>>();
  /** Those that are gone and may return, in the order in which they went. */
  private readonly departed = new Map<string, Folded<State>>();
  private readonly queues = new Map<string, Promise<unknown>>();
  /** By aggregate, what waits for company. */
  private readonly waiting = new Map<string, Together<State, Command, Event>>();
  private readonly listeners = new Set<CommitListener<State, Event>>();
  private readonly unansweredListeners = new Set<UnansweredListener<Event>>();
  /** By the id that the command's commit has. */
  private readonly underWay = new Map<string, UnderWay<Event>>();
  private readonly remembered = new RememberedResults();
  /** Positions of own commits that were folded when they were acknowledged, and are yet to be followed. */
  private readonly acknowledged = new Set<number>();
  private readonly snapshots: AggregateSnapshot<State> | undefined;
  private following: Following | undefined;
  private failure: unknown;
  private live = false;

  constructor(
    private readonly store: EventStore,
    private readonly kind: string,
    private readonly decider: Decider<State, Command, Event>,
    private readonly options: AggregatesOptions<State>,
  ) {
    this.snapshots = options.snapshot && new AggregateSnapshot(options.snapshot);
  }

  /** Folds all that the log holds and follows it from there. Rejects with what `evolve` threw, or unavailable when the log is. */
  async start(): Promise<void> {
    const snapshot = await this.snapshots?.load(this.store);
    for (const aggregate of snapshot?.aggregates ?? []) this.folded.set(aggregate.id, { ...aggregate });
    this.following = await this.store.follow([kindFilter(this.kind)], snapshot?.position ?? 0, (commit) => this.followed(commit));
    this.live = true;
    for (const entry of this.folded.values()) entry.head = { sequence: entry.head.sequence, hash: entry.head.hash };
    void this.following.ended.then((failure) => {
      if (failure === undefined) return;
      this.failure = failure;
      logger(this.options.source).error('the fold of the log has ended', { aggregate: this.kind, error: failure });
    });
  }

  /** Ends the following. A second call changes nothing. */
  async stop(): Promise<void> {
    const following = this.following;
    this.following = undefined;
    await following?.stop();
  }

  /** Saves what is folded at the call. Rejects when the disk or the log does; the old snapshot then stays. Does nothing without the option, or when the fold has failed. */
  async saveSnapshot(): Promise<void> {
    if (this.following !== undefined && this.failure === undefined) await this.snapshots?.save(this.store, this.position, this.folded.values());
  }

  /** The log position up to which all commits of this kind are folded. */
  get position(): number {
    return this.following?.position ?? 0;
  }

  /** Resolves once all of this kind up to `position` is folded. Rejects as unavailable after `mostMs`, where it is given. */
  async waitFor(position: number, mostMs?: number): Promise<void> {
    if (this.following === undefined) throw internal(`${this.kind} is not started`);
    await this.following.waitFor(position, mostMs);
  }

  /** An aggregate that never was has the initial state and no head. */
  get(id: string): { readonly state: State; readonly head: Head } {
    const entry = this.folded.get(id);
    return entry === undefined ? { state: this.decider.initialState, head: noHead } : { state: entry.state, head: entry.head };
  }

  /** As `get`, and what left memory is read from the log: for the few who ask about what is gone. */
  async load(id: string): Promise<State> {
    const entry = this.folded.get(id);
    if (entry !== undefined) return entry.state;
    let last = this.decider.initialState;
    await this.eachState(id, (state) => (last = state));
    return last;
  }

  /** Gives what an aggregate was after each event that ever happened to it, from the log, and holds none of it: there may be a probe a second among them. */
  async eachState(id: string, onState: (state: State) => void): Promise<void> {
    let state = this.decider.initialState;
    await this.store.replay([subjectOf(this.kind, id)], 0, (commit) => {
      for (const event of this.lift(commit)) onState((state = this.decider.evolve(state, event)));
    });
  }

  /** All that ever happened to an aggregate to which little does, from the log. */
  async history(id: string): Promise<readonly Event[]> {
    return (await this.store.read(subjectOf(this.kind, id))).flatMap((commit) => this.lift(commit));
  }

  /** Takes an aggregate that nobody will ask for any more out of memory; the log keeps it. */
  forget(id: string): void {
    this.folded.delete(id);
    this.departed.delete(id);
  }

  /** Whether a command of this type with this key was done to the aggregate before, which may have left memory since: asked of the log. */
  async wasDone(id: string, commandType: Command['type'], idempotencyKey: string): Promise<boolean> {
    return (await this.doneBefore(id, commandType, idempotencyKey)) !== undefined;
  }

  /** What a command of this type with this key did before, as its first execution told it. Undefined: there was none. */
  async doneBefore(id: string, commandType: Command['type'], idempotencyKey: string): Promise<Pick<Executed<State, Event>, 'events' | 'position'> | undefined> {
    const subject = subjectOf(this.kind, id);
    const commitId = idOfKey(idempotencyKey, commandType, subject);
    const first = (await this.recalled(commitId)) ?? (await this.committed(subject, commitId));
    return first && { events: this.lift(first), position: first.position };
  }

  /** The first event of an aggregate after a position that is `wanted`, from the log. Undefined: there is none yet. */
  async firstAfter(id: string, position: number, wanted: (event: Event) => boolean): Promise<Event | undefined> {
    let found: Event | undefined;
    await this.store.replay([subjectOf(this.kind, id)], position, (commit) => (found ??= this.lift(commit).find(wanted)));
    return found;
  }

  /** The aggregates to which something `wanted` ever happened. All of this kind is read from the log: for the few who ask about what is gone. */
  async everWith(wanted: (event: Event, id: string) => boolean): Promise<readonly string[]> {
    const found = new Set<string>();
    await this.store.replay([kindFilter(this.kind)], 0, (commit) => {
      const { id } = parseSubject(commit.subject);
      if (this.lift(commit).some((event) => wanted(event, id))) found.add(id);
    });
    return [...found];
  }

  *entries(): Iterable<[id: string, state: State]> {
    for (const { id, state } of this.folded.values()) if (!this.options.isGone?.(state)) yield [id, state];
  }

  /** Returns what takes the listener off again. */
  onCommit(listener: CommitListener<State, Event>): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Hears of each live commit that nobody here goes on with: the command that made it was rejected, since its acknowledgement did not come in time, or is another process's. Such a
   * commit may come long after the rejection. Returns what takes the listener off again.
   */
  onUnanswered(listener: UnansweredListener<Event>): () => void {
    this.unansweredListeners.add(listener);
    return () => this.unansweredListeners.delete(listener);
  }

  /**
   * Decides and appends, once all earlier commands to this aggregate are done. Nothing decided: nothing is appended. Rejects with what `decide`
   * threw; with unavailable when the log does not answer or the aggregate is changed by others each time. With an idempotency key in `cause`,
   * a repeat gets the first one's events and position. Of a dry run (`cause.planned`) the events are put there, and nothing is appended.
   */
  execute(id: string, command: Command, cause: Cause): Promise<Executed<State, Event>> {
    return this.joined(id, command, cause) ?? only(this.inTurn(id, [command], cause));
  }

  /**
   * As `execute`, for what nobody waits for: it waits itself, `mostMs` or until another command comes to the aggregate. Where that has the very same cause (the same object, without
   * a key), the two become one commit.
   */
  executeSoon(id: string, command: Command, cause: Cause, mostMs: number): Promise<Executed<State, Event>> {
    const joined = this.joined(id, command, cause);
    if (joined !== undefined) return joined;
    const begun = Promise.withResolvers<void>();
    const commands: [Command] = [command];
    const begin = (): void => {
      clearTimeout(timer);
      if (this.waiting.get(id) === together) this.waiting.delete(id);
      begun.resolve();
    };
    const timer = setTimeout(begin, mostMs);
    const together: Together<State, Command, Event> = { cause, commands, begin, done: this.inTurn(id, commands, cause, begun.promise) };
    this.waiting.set(id, together);
    return only(together.done);
  }

  /** What waits begins in any case, so that commands are done in the order in which they came. */
  private joined(id: string, command: Command, cause: Cause): Promise<Executed<State, Event>> | undefined {
    const waiting = this.waiting.get(id);
    waiting?.begin();
    if (waiting === undefined || waiting.cause !== cause || cause.idempotencyKey !== undefined) return undefined;
    const at = waiting.commands.push(command) - 1;
    return waiting.done.then((all) => all[at] ?? missing());
  }

  private inTurn(id: string, commands: Together<State, Command, Event>['commands'], cause: Cause, begun?: Promise<void>): Promise<readonly Executed<State, Event>[]> {
    const run = async (): Promise<readonly Executed<State, Event>[]> => {
      if (begun !== undefined) await begun;
      return isTracing() ? this.executeTraced(id, commands, cause) : this.executeNow(id, commands, cause);
    };
    const turn = (this.queues.get(id) ?? Promise.resolve()).then(run, run);
    this.queues.set(id, turn);
    const done = (): void => {
      if (this.queues.get(id) === turn) this.queues.delete(id);
    };
    turn.then(done, done);
    return turn;
  }

  private executeTraced(id: string, commands: Together<State, Command, Event>['commands'], cause: Cause): Promise<readonly Executed<State, Event>[]> {
    const types = commands.map(({ type }) => type).join(' ');
    const span = { parent: cause.traceparent, service: this.options.source, attributes: { 'berth.aggregate': this.kind, [`berth.${this.kind}.id`]: id, 'berth.command': types } };
    return traced(`${this.kind} ${types}`, () => this.executeNow(id, commands, causedHere(cause)), span);
  }

  private async executeNow(id: string, commands: Together<State, Command, Event>['commands'], cause: Cause): Promise<readonly Executed<State, Event>[]> {
    if (this.following === undefined || this.failure !== undefined) throw internal(`${this.kind} does not follow the log`, this.failure);
    const subject = subjectOf(this.kind, id);
    const commitId = cause.idempotencyKey === undefined ? randomUUID() : idOfKey(cause.idempotencyKey, commands[0].type, subject);
    const underWay: UnderWay<Event> = {};
    this.underWay.set(commitId, underWay);
    let isAnswered = false;
    try {
      const executed = await this.executeAs(commitId, id, subject, commands, cause);
      isAnswered = executed[0]?.repeated !== true;
      return executed;
    } finally {
      this.underWay.delete(commitId);
      if (underWay.heard !== undefined && !isAnswered) this.tellUnanswered(underWay.heard.id, underWay.heard.commit);
    }
  }

  private async executeAs(commitId: string, id: string, subject: AggregateSubject, commands: readonly Command[], cause: Cause): Promise<readonly Executed<State, Event>[]> {
    let entry = this.entryOf(id);
    const repeat = (first: Commit): readonly Executed<State, Event>[] => commands.map(() => ({ state: this.get(id).state, events: this.lift(first), position: first.position, repeated: true }));
    if (cause.idempotencyKey !== undefined && cause.planned === undefined) {
      const first = (await this.recalled(commitId)) ?? (entry.head.sequence === 0 ? undefined : await this.committed(subject, commitId));
      if (first !== undefined) return repeat(first);
    }
    for (let attempt = 1; ; attempt++) {
      const before = entry;
      const decided = traced('decide', () => this.decide(commands, before));
      const done = (commit?: Commit): readonly Executed<State, Event>[] =>
        decided.map((events) => ({ state: entry.state, events: commit !== undefined && decided.length === 1 ? this.lift(commit) : events, position: events.length > 0 ? (commit?.position ?? 0) : 0 }));
      const [event, ...more] = decided.flat();
      if (event === undefined) return done();
      if (cause.planned !== undefined) {
        cause.planned.push(...[event, ...more].map(({ type, ...data }) => ({ subject, type, data })));
        return done();
      }
      try {
        const { head } = entry;
        const commit = await traced('append', () => this.store.append(subject, head, [event, ...more], cause, { id: commitId, source: this.options.source }));
        entry = this.folded.get(id) ?? entry; // the following may have been faster
        if (commit.position > entry.head.sequence && commit.previousHash !== entry.head.hash) entry = await this.reload(entry);
        if (commit.position > this.position) this.acknowledged.add(commit.position);
        this.fold(entry, commit, commit.position > this.position);
        return done(commit);
      } catch (error) {
        if (!(error instanceof Stale) || attempt === attempts) throw error;
        const before = this.position;
        entry = await this.reload(entry);
        const first = await this.recalled(commitId); // our own, whose acknowledgement was lost
        if (first !== undefined) return first.position <= before ? repeat(first) : done(first);
      }
    }
  }

  /** What each yields, after those before it. */
  private decide(commands: readonly Command[], entry: Folded<State>): readonly (readonly Event[])[] {
    try {
      let { state } = entry;
      const decided = commands.map((command, at) => {
        const events = this.decider.decide(command, state);
        if (at < commands.length - 1) state = events.reduce((folded, event) => this.decider.evolve(folded, event), state);
        return events;
      });
      if (decided.every((events) => events.length === 0)) this.dropIfGone(entry);
      return decided;
    } catch (error) {
      this.dropIfGone(entry);
      throw error;
    }
  }

  /** What others appended since, straight from the log: the following may be behind, and a dropped aggregate is no longer followed into. */
  private async reload(stale: Folded<State>): Promise<Folded<State>> {
    const commits: Commit[] = [];
    await this.store.replay([subjectOf(this.kind, stale.id)], stale.head.sequence, (commit) => commits.push(commit));
    const entry = this.folded.get(stale.id) ?? stale;
    for (const commit of commits) {
      // What the following gave of an aggregate dropped since was told to listeners then.
      this.fold(entry, commit, commit.position > this.position);
    }
    return entry;
  }

  private async recalled(commitId: string): Promise<Commit | undefined> {
    const position = this.remembered.get(commitId);
    return position === undefined ? undefined : this.store.commitAt(position);
  }

  /** Reads all of the subject and holds none of it: an aggregate may have a commit a second. */
  private async committed(subject: AggregateSubject, commitId: string): Promise<Commit | undefined> {
    let found: Commit | undefined;
    await this.store.replay([subject], 0, (commit) => {
      if (commit.id === commitId) found ??= commit;
    });
    return found;
  }

  private followed(commit: Commit): void {
    const { id } = parseSubject(commit.subject);
    // What was forgotten since its acknowledgement stays so.
    const entry = this.acknowledged.delete(commit.position) ? this.folded.get(id) : this.entryOf(id);
    if (entry === undefined) return;
    this.fold(entry, commit);
    this.dropIfGone(entry, commit.position);
  }

  private entryOf(id: string): Folded<State> {
    return this.folded.get(id) ?? this.departed.get(id) ?? { id, state: this.decider.initialState, head: noHead };
  }

  /** Not before the following came to its newest commit: a dropped aggregate would take that for news. */
  private dropIfGone(entry: Folded<State>, followed = this.position): void {
    if (entry.head.sequence > followed || !this.options.isGone?.(entry.state)) return;
    this.folded.delete(entry.id);
    if (this.live && this.options.mayReturn !== undefined && entry.head.sequence > 0) this.keepDeparted(entry, this.options.mayReturn);
  }

  private keepDeparted(entry: Folded<State>, most: number): void {
    this.departed.delete(entry.id);
    this.departed.set(entry.id, entry);
    for (const [oldest] of this.departed) {
      if (this.departed.size <= most) return;
      this.departed.delete(oldest);
    }
  }

  private fold(entry: Folded<State>, commit: Commit, tell = true): void {
    if (commit.position <= entry.head.sequence) return;
    const events = this.lift(commit);
    for (const event of events) entry.state = this.decider.evolve(entry.state, event);
    this.folded.set(entry.id, entry);
    this.departed.delete(entry.id);
    if (this.live) {
      entry.head = { sequence: commit.position, hash: commit.hash };
      this.remembered.add(commit);
    } else {
      entry.head = new LazyHead(commit);
    }
    if (tell && (this.listeners.size > 0 || this.unansweredListeners.size > 0)) this.tell(entry, withEvents(commit, events));
  }

  private lift({ events }: Commit): readonly Event[] {
    const { upcast } = this.options;
    return (upcast === undefined ? events : events.map(upcast)) as readonly DomainEvent[] as readonly Event[]; // this kind's subjects hold its events only
  }

  private tell(entry: Folded<State>, commit: Commit<Event>): void {
    for (const listener of this.listeners) {
      try {
        listener(entry.id, commit, entry.state, this.live);
      } catch (error) {
        logger(this.options.source).error('a listener to commits failed', { aggregate: this.kind, id: entry.id, error });
      }
    }
    if (!this.live) return;
    const command = this.underWay.get(commit.id);
    if (command === undefined) this.tellUnanswered(entry.id, commit);
    else command.heard = { id: entry.id, commit };
  }

  private tellUnanswered(id: string, commit: Commit<Event>): void {
    for (const listener of this.unansweredListeners) {
      try {
        listener(id, commit);
      } catch (error) {
        logger(this.options.source).error('a listener to commits failed', { aggregate: this.kind, id, error });
      }
    }
  }
}

const missing = (): never => {
  throw internal('a command was not done');
};

const only = async <Done>(all: Promise<readonly Done[]>): Promise<Done> => (await all)[0] ?? missing();

/** Of all commits replayed only each aggregate's newest needs its hash. */
class LazyHead implements Head {
  constructor(private readonly commit: Commit) {}

  get sequence(): number {
    return this.commit.position;
  }
  get hash(): string {
    return this.commit.hash;
  }
}

/** The commit with its events lifted. Its fields may be getters, which a spread would leave out. */
function withEvents<Event extends DomainEvent>(commit: Commit, events: readonly Event[]): Commit<Event> {
  const { subject, position, id, time, source, cause, previousHash, hash } = commit;
  return { subject, position, id, time, source, cause, events, previousHash, hash };
}

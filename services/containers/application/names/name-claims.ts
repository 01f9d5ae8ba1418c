import type { Done, RequestContext } from '#contracts/request.js';
import { BerthError, cameToNothing, NotAppended } from '#libs/errors/errors.js';
import { causedBy } from '#libs/event-store/caused-by.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { ContainerSpec, PresentContainer } from '../../domain/container/container-state.js';
import { randomName } from '../../domain/name/random-name.js';
import { ContainerTurns } from '../lifecycle/container-turns.js';
import type { ContainerDirectory, Containers, Names } from './container-directory.js';

const NAME_ATTEMPTS = 5;

/**
 * Which container holds which name. Two claims at once are settled by the log. A claim and what it is for are two commits: while it is not known whether the second is on the log, the
 * name stays claimed; once it is, each container holds the name that it bears, and no other.
 */
export class NameClaims {
  /** Claims under way: the fold does not know them yet. */
  private readonly pending = new Set<string>();
  private readonly turns = new ContainerTurns();
  /** Containers that may come to bear a name which they hold: their next commit tells, since the log takes nothing any more that was decided before it. */
  private readonly unsure = new Set<string>();
  private readonly stopping = new AbortController();
  private unlisten: (() => void)[] = [];

  constructor(
    private readonly names: Names,
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  start(): void {
    this.unlisten = [
      this.containers.onCommit((id, commit, _state, live) => {
        if (live && this.unsure.delete(id)) this.settleSoon(id, causedBy(commit, 'service:containers'));
      }),
      this.containers.onUnanswered((id, commit) => {
        if (commit.events.some(({ type }) => type === 'ContainerCreated' || type === 'ContainerRenamed')) this.settleSoon(id, causedBy(commit, 'service:containers'));
      }),
      this.names.onUnanswered((_name, commit) => {
        for (const { container } of commit.events) this.settleSoon(container, causedBy(commit, 'service:containers'));
      }),
    ];
  }

  stop(): void {
    this.stopping.abort();
    for (const unlisten of this.unlisten) unlisten();
  }

  /** What is done with one container's names goes one after another: what `work` reads stays so while it claims and gives back. */
  inTurn<T>(container: string, work: () => Promise<T>): Promise<T> {
    return this.turns.take(container, work);
  }

  /** Claims the wanted name, or one made up where none is wanted. Rejects as a conflict where somebody else has it. */
  async claim(wanted: string | undefined, container: string, asked: RequestContext): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const name = plain(wanted) ?? madeUp(attempt, asked);
      try {
        await this.take(name, container, asked);
        return name;
      } catch (error) {
        if (wanted || !isConflict(error) || attempt >= NAME_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * A name that nobody here knows to be taken, for `beside`; undefined where the claim has to come first: the name is taken, or what follows it is only planned,
   * or may have been done before.
   */
  free(wanted: string | undefined, asked: RequestContext): string | undefined {
    if (asked.dryRun || asked.idempotencyKey !== undefined) return undefined;
    const name = plain(wanted) ?? madeUp(0, asked);
    return this.pending.has(name) || this.names.get(name).state.holder !== '' ? undefined : name;
  }

  /**
   * Claims the name while `record` records its container, one append's time instead of two. Where somebody else was faster, elsewhere, the container goes again;
   * where this service dies over it, `settle` finds the one without the other.
   */
  async beside<T>(name: string, container: string, asked: RequestContext, record: () => Promise<T>): Promise<T> {
    const [claimed, recorded] = await Promise.allSettled([this.take(name, container, asked), record()]);
    if (claimed.status === 'fulfilled' && recorded.status === 'fulfilled') return recorded.value;
    if (recorded.status === 'fulfilled') await this.giveUp(container, asked);
    if (claimed.status === 'fulfilled') await this.giveBack(name, container, asked);
    throw claimed.status === 'rejected' ? claimed.reason : (recorded as PromiseRejectedResult).reason;
  }

  /** A name that the container does not bear, in its turn. Where the log does not take it now, it is given back as soon as it does. */
  async giveBack(name: string, container: string, asked: RequestContext): Promise<void> {
    if (!asked.dryRun && this.isBorne(name, container)) return;
    await this.release(name, container, asked).catch(() => this.settleSoon(container, asked));
  }

  /** A name that an existing container claimed, in its turn, when what it was for has failed with `error`. */
  async abandon(name: string, container: string, error: unknown, asked: RequestContext): Promise<void> {
    if (cameToNothing(error)) await this.giveBack(name, container, asked);
    else if (!this.isBorne(name, container)) this.unsure.add(container);
  }

  /** Creations and renames that were cut short. What a full log does not take is tried on behind the start, which is not for it to keep anybody from reading. */
  async settle(asked: RequestContext): Promise<void> {
    const held = new Map<string, string[]>();
    for (const [name, { holder }] of this.names.entries()) held.set(holder, [...(held.get(holder) ?? []), name]);
    for (const { spec } of this.directory.all()) await this.settled(spec.id, () => this.keepNamed(spec.id, held.get(spec.id) ?? [], asked), asked);
    for (const [container, names] of held) await this.settled(container, () => this.releaseOthers(container, names, asked), asked);
  }

  /** A request's key is not the claim's: what came to nothing has given its name back, and the same request needs it anew. */
  async take(name: string, container: string, { idempotencyKey: _key, ...asked }: RequestContext): Promise<Done> {
    this.pending.add(name);
    try {
      const { position } = await this.names.execute(name, { type: 'Claim', name, container }, asked);
      return { position };
    } finally {
      this.pending.delete(name);
    }
  }

  private async settled(container: string, work: () => Promise<void>, asked: RequestContext): Promise<void> {
    try {
      await this.inTurn(container, work);
    } catch (error) {
      if (!(error instanceof NotAppended)) throw error;
      this.settleSoon(container, asked);
    }
  }

  private settleSoon(container: string, { idempotencyKey: _key, ...asked }: RequestContext): void {
    const settleOne = async (): Promise<void> => {
      const held = Array.from(this.names.entries()).flatMap(([name, { holder }]) => (holder === container ? [name] : []));
      await this.keepNamed(container, held, asked);
      await this.releaseOthers(container, held, asked);
    };
    const onError = (error: unknown): void => this.onError(error, { container, correlationId: asked.correlationId });
    retryUntilDone(() => this.inTurn(container, settleOne), this.stopping.signal, onError).catch(onError);
  }

  private async keepNamed(id: string, held: readonly string[], asked: RequestContext): Promise<void> {
    const container = this.directory.get(id);
    if (container === undefined || container.status === 'removing' || this.names.get(container.spec.name).state.holder === id) return;
    await this.take(container.spec.name, id, asked).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
      return this.withoutName(container, held, asked);
    });
  }

  /** The name is somebody else's. Whatever else it was, a container that is there must not go for it: it is called otherwise. */
  private async withoutName({ spec }: PresentContainer, held: readonly string[], asked: RequestContext): Promise<void> {
    if (await this.wasRefused(spec)) return this.giveUp(spec.id, asked);
    const name = held[0] ?? (await this.claim(undefined, spec.id, asked));
    await this.containers.execute(spec.id, { type: 'Rename', name, at: now() }, asked);
  }

  /** Its creation was refused for its name, so that its id was told to nobody: nothing happened to it since, and the name never was its own. */
  private async wasRefused({ id, name }: ContainerSpec): Promise<boolean> {
    let events = 0;
    await this.containers.eachState(id, () => events++);
    if (events > 1) return false;
    return !(await this.names.history(name)).some(({ type, container }) => type === 'NameClaimed' && container === id);
  }

  private async releaseOthers(container: string, held: readonly string[], asked: RequestContext): Promise<void> {
    if (this.unsure.has(container)) return;
    for (const name of held) if (!this.isBorne(name, container)) await this.release(name, container, asked);
  }

  /** Or will be, once it is restored. */
  private isBorne(name: string, container: string): boolean {
    const { state } = this.containers.get(container);
    return state.status === 'restoring' ? state.name === name : this.directory.get(container)?.spec.name === name;
  }

  private async release(name: string, container: string, { idempotencyKey: _key, ...asked }: RequestContext): Promise<void> {
    await this.names.execute(name, { type: 'Release', name, container }, asked);
  }

  /** This is the intent alone: what follows is ContainerWatch's, as with every removal. */
  private async giveUp(container: string, asked: RequestContext): Promise<void> {
    await this.containers.execute(container, { type: 'Remove', force: true, volumes: true, at: now() }, asked);
  }
}

const isConflict = (error: unknown): boolean => error instanceof BerthError && error.kind === 'conflict';
const plain = (wanted: string | undefined): string | undefined => wanted?.replace(/^\//, '') || undefined;
const now = (): string => new Date().toISOString();

/** The same request again makes up the same name. */
function madeUp(attempt: number, { idempotencyKey }: RequestContext): string {
  const random = Buffer.from(keyedId(`name ${attempt}`, idempotencyKey), 'hex');
  const number = (at: number): number => random.readUInt32LE(at) / 2 ** 32;
  return randomName([number(0), number(4), number(8)], attempt);
}

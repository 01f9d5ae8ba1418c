import type { RequestContext } from '#contracts/request.js';
import { BerthError } from '#libs/errors/errors.js';
import { keyedId } from '#libs/messaging/keyed-id.js';
import { randomName } from '../domain/name/random-name.js';
import type { ContainerDirectory, Containers, Names } from './container-directory.js';

const NAME_ATTEMPTS = 5;

/** Which container holds which name. Two claims at once are settled by the log. */
export class NameClaims {
  /** Claims under way: the fold does not know them yet. */
  private readonly pending = new Set<string>();

  constructor(
    private readonly names: Names,
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
  ) {}

  /** Claims the wanted name, or one made up where none is wanted. Rejects as a conflict where somebody else has it. */
  async claim(wanted: string | undefined, container: string, asked: RequestContext): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const name = plain(wanted) ?? madeUp(attempt, asked);
      try {
        await this.take(name, container, asked);
        return name;
      } catch (error) {
        if (wanted || !(error instanceof BerthError) || error.kind !== 'conflict' || attempt >= NAME_ATTEMPTS) throw error;
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
    if (claimed.status === 'fulfilled') await this.release(name, container, asked);
    throw claimed.status === 'rejected' ? claimed.reason : (recorded as PromiseRejectedResult).reason;
  }

  async release(name: string, container: string, asked: RequestContext): Promise<void> {
    await this.names.execute(name, { type: 'Release', name, container }, asked);
  }

  /** Creations and renames that were cut short. Only before commands are taken, which make the one before the other. */
  async settle(asked: RequestContext): Promise<void> {
    for (const { spec, status } of this.directory.all()) {
      if (status === 'removing' || this.names.get(spec.name).state.holder === spec.id) continue;
      await this.take(spec.name, spec.id, asked).catch((error: unknown) => {
        // The name is somebody else's. Whatever else it was, a container that is there must not go for it.
        if (!(error instanceof BerthError) || error.kind !== 'conflict') throw error;
        return this.giveUp(spec.id, asked);
      });
    }
    for (const [name, { holder }] of [...this.names.entries()]) {
      const { state } = this.containers.get(holder);
      const comesBack = state.status === 'restoring' && state.name === name;
      if (holder !== '' && this.directory.get(holder)?.spec.name !== name && !comesBack) await this.release(name, holder, asked);
    }
  }

  private async take(name: string, container: string, asked: RequestContext): Promise<void> {
    this.pending.add(name);
    try {
      await this.names.execute(name, { type: 'Claim', name, container }, asked);
    } finally {
      this.pending.delete(name);
    }
  }

  /** Its creation was refused for its name, so that its id was told to nobody who could remove it. This is the intent alone: what follows is ContainerWatch's, as with every removal. */
  private async giveUp(container: string, asked: RequestContext): Promise<void> {
    await this.containers.execute(container, { type: 'Remove', force: true, volumes: true, at: new Date().toISOString() }, asked);
  }
}

const plain = (wanted: string | undefined): string | undefined => wanted?.replace(/^\//, '') || undefined;

/** The same request again makes up the same name. */
function madeUp(attempt: number, { idempotencyKey }: RequestContext): string {
  const random = Buffer.from(keyedId(`name ${attempt}`, idempotencyKey), 'hex');
  const number = (at: number): number => random.readUInt32LE(at) / 2 ** 32;
  return randomName([number(0), number(4), number(8)], attempt);
}

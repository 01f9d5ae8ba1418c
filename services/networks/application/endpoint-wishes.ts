import type { PoolEvent } from '#contracts/networks/events.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, cameToNothing } from '#libs/errors/errors.js';
import type { Commit } from '#libs/event-store/event.js';
import { retryUntilDone } from '#libs/messaging/retry.js';
import type { LogFields } from '#libs/telemetry/log-record.js';
import type { Pools } from './network-directory.js';

type Attempt = () => Promise<unknown>;

interface Wish {
  readonly network: string;
  readonly endpoint: string;
  /** What was wanted last. */
  last: Attempt;
  underWay: number;
  /** Something of it may be on the log yet. The pool's next commit tells, since the log takes nothing any more that was decided before it. */
  isUnsure: boolean;
}

/**
 * What is wanted of endpoints, of a log that may not answer. It may take an allocation long after whoever wanted it was told so and gave the endpoint back, which then was not there:
 * its address and ports would be no run's. So what was wanted last counts: it is done again where something comes late, and a release until the log has it.
 */
export class EndpointWishes {
  private readonly wishes = new Map<string, Wish>();
  private readonly stopping = new AbortController();
  private unlisten: () => void = () => undefined;

  constructor(
    private readonly pools: Pools,
    private readonly onError: (error: unknown, about: LogFields) => void,
  ) {}

  start(): void {
    this.unlisten = this.pools.onCommit((network, commit, _pool, live) => {
      if (live) this.heard(network, commit);
    });
  }

  stop(): void {
    this.stopping.abort();
    this.unlisten();
  }

  /** `attempt` hands its command to the pool at once, so that commands come in the order of the wishes. */
  async make<T>(network: string, endpoint: string, { dryRun }: RequestContext, attempt: () => Promise<T>): Promise<T> {
    if (dryRun) return attempt();
    const wish = this.of(network, endpoint, attempt);
    try {
      return await attempt();
    } catch (error) {
      if (!cameToNothing(error)) wish.isUnsure = true;
      throw error;
    } finally {
      this.ended(wish);
    }
  }

  /** Rejects where the log does not take it now; it is told again then. */
  async release(network: string, endpoint: string, asked: RequestContext): Promise<{ readonly position: number }> {
    // Of what was allocated after it, a release is another one, whatever key the request has.
    const { idempotencyKey: _key, ...cause } = asked;
    const attempt = () => this.pools.execute(network, { type: 'Release', endpoint, at: new Date().toISOString() }, cause);
    if (asked.dryRun) return attempt();
    const wish = this.of(network, endpoint, attempt);
    try {
      return await this.make(network, endpoint, asked, attempt);
    } catch (error) {
      if (isUnavailable(error)) this.makeAgain(wish, attempt);
      throw error;
    } finally {
      this.ended(wish);
    }
  }

  /** Endpoints that are in no pool, and may come to be. */
  unsure(): readonly { readonly network: string; readonly endpoint: string }[] {
    return [...this.wishes.values()].filter(({ network, endpoint }) => !this.pools.get(network).state.endpoints.has(endpoint));
  }

  /** Whether the log may still come to have one, though whoever wanted it was told that it has not. */
  mayCome(network: string): boolean {
    return [...this.wishes.values()].some((wish) => wish.network === network && wish.isUnsure);
  }

  private heard(network: string, { events }: Commit<PoolEvent>): void {
    for (const wish of this.wishes.values()) {
      if (!wish.isUnsure || wish.network !== network) continue;
      wish.isUnsure = false;
      if (events.some(({ endpoint }) => endpoint === wish.endpoint)) this.makeAgain(wish, wish.last);
      else this.dropIfOver(wish);
    }
  }

  /** Unless something else is wanted since. */
  private makeAgain(wish: Wish, attempt: Attempt): void {
    wish.underWay++;
    const onError = (error: unknown): void => this.onError(error, { network: wish.network, endpoint: wish.endpoint });
    const again = async (): Promise<void> => {
      if (wish.last !== attempt) return;
      await attempt().catch((error: unknown) => {
        if (isUnavailable(error)) throw error;
        onError(error);
      });
    };
    void retryUntilDone(again, this.stopping.signal, onError).finally(() => this.ended(wish));
  }

  private of(network: string, endpoint: string, last: Attempt): Wish {
    const key = `${network} ${endpoint}`;
    const wish = this.wishes.get(key) ?? { network, endpoint, last, underWay: 0, isUnsure: false };
    wish.last = last;
    wish.underWay++;
    this.wishes.set(key, wish);
    return wish;
  }

  private ended(wish: Wish): void {
    wish.underWay--;
    this.dropIfOver(wish);
  }

  private dropIfOver({ network, endpoint, underWay, isUnsure }: Wish): void {
    if (underWay === 0 && !isUnsure) this.wishes.delete(`${network} ${endpoint}`);
  }
}

const isUnavailable = (error: unknown): boolean => error instanceof BerthError && error.kind === 'unavailable';

import type { AccessEvent } from '#contracts/gateway/access-events.js';
import type { RequestContext } from '#contracts/request.js';
import { Stale } from '#libs/errors/errors.js';
import { subjectOf } from '#libs/event-store/aggregate-subject.js';
import { type Cause, type Head, noHead } from '#libs/event-store/event.js';
import type { EventStore } from '#libs/event-store/event-store.js';
import { logger } from '#libs/telemetry/logger.js';
import { type Caller, identity } from '../domain/access/caller.js';
import { refusalDecider, type RefusalCommand, type Refusals } from '../domain/access/refusal-decider.js';

const ATTEMPTS = 5;

/** Those of one caller, as far as they were read. */
interface OfCaller {
  readonly subject: string;
  refusals: Refusals;
  /** Undefined: none was read yet. */
  head: Head | undefined;
  unwritten: number;
  /** They are written one after the other. */
  newest: Promise<void>;
}

/** Who was refused what, on the log. Of the log it reads a caller's own subject, when the first refusal of his is to be written: nobody else's start waits for that. */
export class RefusalLog {
  private readonly callers = new Map<string, OfCaller>();

  constructor(private readonly store: Pick<EventStore, 'append' | 'replay'>) {}

  /** Resolves once it is on the log, or counted for the next that is. A log that cannot be written to changes nothing of the refusal: that is told of in the engine's own. */
  record(caller: Caller, refusal: Omit<AccessEvent, 'type' | 'at' | 'unwritten'>, { actor, correlationId, causationId, traceparent }: RequestContext): Promise<void> {
    const who = identity(caller);
    const known = this.callers.get(who);
    const own = known ?? { subject: subjectOf('access', who), refusals: refusalDecider.initialState, head: undefined, unwritten: 0, newest: Promise.resolve() };
    if (known === undefined) this.callers.set(who, own);
    const cause = { actor, correlationId, causationId, ...(traceparent === undefined ? {} : { traceparent }) };
    const at = new Date().toISOString();
    own.newest = own.newest.then(async () => {
      try {
        const isWritten = await this.write(own, { type: 'Refuse', ...refusal, ...(own.unwritten > 0 ? { unwritten: own.unwritten } : {}), at }, cause);
        own.unwritten = isWritten ? 0 : own.unwritten + 1;
      } catch (error) {
        own.unwritten++;
        logger('gateway').error('a refusal could not be written to the log', { who, error, ...refusal });
      }
    });
    return own.newest;
  }

  /** Resolves to whether it was to be written. */
  private async write(own: OfCaller, command: RefusalCommand, cause: Cause): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const head = own.head ?? (await this.read(own));
      const [event] = refusalDecider.decide(command, own.refusals);
      if (event === undefined) return false;
      try {
        const { position, hash } = await this.store.append(own.subject, head, [event], cause, { source: 'gateway' });
        own.refusals = refusalDecider.evolve(own.refusals, event);
        own.head = { sequence: position, hash };
        return true;
      } catch (error) {
        if (!(error instanceof Stale) || attempt === ATTEMPTS) throw error;
        await this.read(own);
      }
    }
  }

  /** What is newer than what was read. */
  private async read(own: OfCaller): Promise<Head> {
    let head = own.head ?? noHead;
    let { refusals } = own;
    await this.store.replay([own.subject], head.sequence, ({ position, hash, events }) => {
      head = { sequence: position, hash };
      for (const event of events as readonly unknown[] as readonly AccessEvent[]) refusals = refusalDecider.evolve(refusals, event); // the gateway alone writes here
    });
    return Object.assign(own, { head, refusals }).head;
  }
}

import type { DomainEvent } from './event.js';

interface Versioned extends DomainEvent {
  readonly v?: number;
}

/** Lifts an event of one version to the next. It need not set `v`. Pure: the event handed in stays as it is. */
export type Lift = (event: DomainEvent) => DomainEvent;

/** For each event type, what lifts version 1 to 2, then 2 to 3, and so on: `{ Created: [addLabels, splitImage] }`. */
export type Lifts = Readonly<Record<string, readonly Lift[]>>;

/**
 * Brings events of any version ever written to the one that `evolve` knows, through each version in between. An event newer than the last lift
 * knows is passed on as it is: an older Berth reads the log of a newer one. A lift may rename the type; the new type's lifts then go on from the same version.
 */
export function upcaster(lifts: Lifts): (event: DomainEvent) => DomainEvent {
  return (event) => {
    let current: Versioned = event;
    for (let version = current.v ?? 1; ; version++) {
      const lift = lifts[current.type]?.[version - 1];
      if (lift === undefined) return current;
      current = { ...lift(current), v: version + 1 } as Versioned;
    }
  };
}

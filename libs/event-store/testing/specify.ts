import { deepStrictEqual, fail, ok, strictEqual } from 'node:assert/strict';
import { BerthError, type ErrorKind } from '#libs/errors/errors.js';
import type { Decider } from '../decider.js';

interface When<Command, Event> {
  when(command: Command): Then<Event>;
}

interface Then<Event> {
  then(...events: readonly Event[]): void;
  thenNothing(): void;
  thenRefused(kind: ErrorKind, message?: RegExp): void;
}

/** `specify(decider)(created, started).when(stop()).then(stopped)`: what a decider says after a history. */
export function specify<State, Command, Event>(decider: Decider<State, Command, Event>): (...history: readonly Event[]) => When<Command, Event> {
  return (...history) => ({
    when: (command) => {
      const decide = (): readonly Event[] => decider.decide(command, history.reduce((state, event) => decider.evolve(state, event), decider.initialState));
      return {
        then: (...events) => deepStrictEqual([...decide()], events),
        thenNothing: () => deepStrictEqual([...decide()], []),
        thenRefused: (kind, message) => {
          let decided: readonly Event[];
          try {
            decided = decide();
          } catch (error) {
            if (!(error instanceof BerthError)) throw error;
            strictEqual(error.kind, kind, error.message);
            if (message !== undefined) ok(message.test(error.message), `"${error.message}" does not match ${String(message)}`);
            return;
          }
          fail(`not refused: ${JSON.stringify(decided)}`);
        },
      };
    },
  });
}

/** No command, given twice after any of these histories, yields events twice. */
export function idempotent<State, Command, Event>(decider: Decider<State, Command, Event>, histories: readonly (readonly Event[])[], commands: readonly Command[]): void {
  for (const history of histories) {
    for (const command of commands) {
      let state = history.reduce((folded, event) => decider.evolve(folded, event), decider.initialState);
      try {
        for (const event of decider.decide(command, state)) state = decider.evolve(state, event);
        deepStrictEqual([...decider.decide(command, state)], [], `${JSON.stringify(command)} after ${JSON.stringify(history)}`);
      } catch (error) {
        if (!(error instanceof BerthError)) throw error; // refused, the first or the second time: no events
      }
    }
  }
}

/** A domain object, pure: time, ids and randomness come in with the command. */
export interface Decider<State, Command, Event> {
  readonly initialState: State;
  /** What happens because of the command; `[]` when nothing has to. Throws a BerthError to refuse. */
  decide(command: Command, state: State): readonly Event[];
  /** Never refuses: what happened, happened. */
  evolve(state: State, event: Event): State;
}

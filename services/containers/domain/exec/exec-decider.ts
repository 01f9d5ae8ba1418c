import type { ExecEvent } from '#contracts/containers/events.js';
import type { Decider } from '#libs/event-store/decider.js';
import { conflict } from '#libs/errors/errors.js';

/** A further command for a running container, as it was asked for. */
export type Exec = { readonly status: 'absent' } | ({ readonly status: 'present' } & Omit<ExecEvent, 'type'>);
export type ExecCommand = { readonly type: 'Create' } & Omit<ExecEvent, 'type'>;

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const EXEC_FOLD = '1';

export const execDecider: Decider<Exec, ExecCommand, ExecEvent> = {
  initialState: { status: 'absent' },
  decide(command, exec) {
    if (exec.status === 'present') throw conflict(`exec ${command.exec} exists already`);
    return [{ ...command, type: 'ExecCreated' }];
  },
  evolve(_exec, { type: _type, ...created }) {
    return { status: 'present', ...created };
  },
};

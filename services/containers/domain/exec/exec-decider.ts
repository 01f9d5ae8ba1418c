import type { ExecEvent } from '#contracts/containers/events.js';
import type { Decider } from '#libs/event-store/decider.js';
import { conflict } from '#libs/errors/errors.js';

type ExecCreated = Omit<Extract<ExecEvent, { type: 'ExecCreated' }>, 'type'>;
type ExecStartFailed = Omit<Extract<ExecEvent, { type: 'ExecStartFailed' }>, 'type'>;

/** A further command for a running container, as it was asked for; `failure`: the exit code of a start that nobody could be asked for. */
export type Exec = { readonly status: 'absent' } | ({ readonly status: 'present'; readonly failure?: number } & ExecCreated);
export type ExecCommand = ({ readonly type: 'Create' } & ExecCreated) | ({ readonly type: 'RecordStartFailed' } & ExecStartFailed);

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const EXEC_FOLD = '2';

export const execDecider: Decider<Exec, ExecCommand, ExecEvent> = {
  initialState: { status: 'absent' },
  decide(command, exec) {
    switch (command.type) {
      case 'Create':
        if (exec.status === 'present') throw conflict(`exec ${command.exec} exists already`);
        return [{ ...command, type: 'ExecCreated' }];
      case 'RecordStartFailed':
        return exec.status === 'absent' || exec.failure !== undefined ? [] : [{ ...command, type: 'ExecStartFailed' }];
    }
  },
  evolve(exec, event) {
    switch (event.type) {
      case 'ExecCreated': {
        const { type: _type, ...created } = event;
        return { status: 'present', ...created };
      }
      case 'ExecStartFailed':
        return exec.status === 'absent' ? exec : { ...exec, failure: event.exitCode };
    }
  },
};

import type { VolumeEvent } from '#contracts/volumes/volumes.js';
import type { Decider } from '#libs/event-store/decider.js';
import { invalid, notFound } from '#libs/errors/errors.js';

export type Volume =
  | { readonly status: 'absent' }
  | {
      readonly status: 'present';
      readonly name: string;
      readonly driver: string;
      readonly labels: Record<string, string>;
      readonly options: Record<string, string>;
      readonly anonymous: boolean;
      readonly container?: string;
      /** It came back with this container, for which it was kept. */
      readonly keptFor?: string;
      readonly createdAt: string;
    };

export type VolumeCommand =
  | { readonly type: 'Create'; readonly name: string; readonly driver: string; readonly labels: Record<string, string>; readonly options: Record<string, string>; readonly anonymous: boolean; readonly container?: string; readonly at: string }
  /** Whatever was decided before can no longer happen to it. */
  | { readonly type: 'Confirm'; readonly name: string; readonly at: string }
  | { readonly type: 'Remove'; readonly name: string; readonly keptFor?: string; readonly at: string }
  /** `was`: when it was there. */
  | { readonly type: 'Restore'; readonly name: string; readonly was: Omit<Present, 'status'>; readonly keptFor: string; readonly at: string };

type Present = Extract<Volume, { status: 'present' }>;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
/** A file's (path_resolution(7)): a volume's directory is called like it. */
const LONGEST_NAME = 255;

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const VOLUME_FOLD = '1';

export const volumeDecider: Decider<Volume, VolumeCommand, VolumeEvent> = {
  initialState: { status: 'absent' },

  decide(command, volume) {
    const { name } = command;
    switch (command.type) {
      case 'Create':
        if (name.length < 2) throw invalid(`create ${name}: volume name is too short, names should be at least two alphanumeric characters`);
        if (name.length > LONGEST_NAME) throw invalid(`create ${name.slice(0, 64)}…: volume name is too long, names should be at most ${LONGEST_NAME} characters`);
        if (!NAME.test(name))
          throw invalid(`create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`);
        if (command.driver !== 'local') throw notFound(`create ${name}: error looking up volume plugin ${command.driver}: plugin "${command.driver}" not found`);
        if (Object.keys(command.options).length > 0) throw invalid(`create ${name}: invalid option: "${Object.keys(command.options).join(', ')}": Berth does not support options of the local driver yet`);
        return volume.status === 'present' ? [] : [{ ...command, type: 'VolumeCreated' }];
      case 'Confirm': {
        if (volume.status === 'absent') return [];
        const { status: _present, keptFor, createdAt, ...was } = volume;
        return keptFor === undefined ? [{ ...was, type: 'VolumeCreated', at: createdAt }] : [{ ...was, type: 'VolumeRestored', keptFor, createdAt, at: command.at }];
      }
      case 'Remove':
        if (volume.status === 'absent') throw notFound(`get ${name}: no such volume`);
        return [{ type: 'VolumeRemoved', name, ...(command.keptFor === undefined ? {} : { keptFor: command.keptFor }), at: command.at }];
      case 'Restore': {
        const { driver, labels, options, anonymous, container, createdAt } = command.was;
        if (volume.status === 'present') return [];
        return [{ type: 'VolumeRestored', name, driver, labels, options, anonymous, ...(container ? { container } : {}), keptFor: command.keptFor, createdAt, at: command.at }];
      }
    }
  },

  evolve(_volume, event) {
    if (event.type === 'VolumeRemoved') return { status: 'absent' };
    const { name, driver, labels, options, anonymous, container } = event;
    const again = event.type === 'VolumeRestored' ? { keptFor: event.keptFor, createdAt: event.createdAt } : { createdAt: event.at };
    return { status: 'present', name, driver, labels, options, anonymous, ...(container ? { container } : {}), ...again };
  },
};

import type { NameEvent } from '#contracts/containers/events.js';
import type { Decider } from '#libs/event-store/decider.js';
import { conflict } from '#libs/errors/errors.js';

/** Who holds a name: a claim. Two claims at once are settled by the log, where the first append wins. */
export type Name = { readonly holder: string };

export type NameCommand = { readonly type: 'Claim'; readonly name: string; readonly container: string } | { readonly type: 'Release'; readonly name: string; readonly container: string };

/** Version of the state and of what `evolve` makes of events, as snapshots have it: change it with either. */
export const NAME_FOLD = '1';

export const nameDecider: Decider<Name, NameCommand, NameEvent> = {
  initialState: { holder: '' },

  decide(command, { holder }) {
    const { name, container } = command;
    switch (command.type) {
      case 'Claim':
        if (holder === container) return [];
        if (holder !== '')
          throw conflict(`Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`);
        return [{ type: 'NameClaimed', name, container }];
      case 'Release':
        return holder === container ? [{ type: 'NameReleased', name, container }] : [];
    }
  },

  evolve(_name, event) {
    return { holder: event.type === 'NameClaimed' ? event.container : '' };
  },
};

import type { AccessEvent } from '#contracts/gateway/access-events.js';
import type { Decider } from '#libs/event-store/decider.js';

/** Refusals of one caller: how many were written in the newest minute of them. */
export interface Refusals {
  readonly minute: number;
  readonly written: number;
}

export type RefusalCommand = Omit<AccessEvent, 'type'> & { readonly type: 'Refuse' };

/** Whoever may open a connection may be refused as often as it likes: it shall not fill the disk with that. */
export const WRITTEN_A_MINUTE = 30;
export const ACCESS_FOLD = '1';

export const refusalDecider: Decider<Refusals, RefusalCommand, AccessEvent> = {
  initialState: { minute: 0, written: 0 },

  decide(command, { minute, written }) {
    if (minuteOf(command.at) === minute && written >= WRITTEN_A_MINUTE) return [];
    return [{ ...command, type: 'AccessRefused' }];
  },

  evolve({ minute, written }, { at }) {
    const now = minuteOf(at);
    return { minute: now, written: now === minute ? written + 1 : 1 };
  },
};

const minuteOf = (at: string): number => Math.floor(Date.parse(at) / 60_000);

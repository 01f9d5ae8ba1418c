import type { JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';
import { reservedBytes } from '#libs/event-store/log-room.js';
import { type Exposition, labelText } from './exposition.js';

type Stores = ReadonlyMap<string, JetStreamEventStore>;

/** How the log does. `limit`: to how many bytes it may grow. */
export async function writeLog(stores: Stores, limit: number | undefined, out: Exposition): Promise<void> {
  const [any] = stores.values();
  if (any === undefined) return;
  const { position, bytes } = await any.size();
  out.family('berth_log_position', 'gauge', 'Position of the newest commit of the log.').sample('', position);
  out.family('berth_log_bytes', 'gauge', 'Size of the log.').sample('', bytes);
  if (limit === undefined) return;
  out.family('berth_log_limit_bytes', 'gauge', 'What it may grow to: nothing can be changed any more then.').sample('', limit);
  out.family('berth_log_reserved_bytes', 'gauge', 'The last of these, which what stops and removes has for itself: all else is refused then.').sample('', reservedBytes(limit));
}

/** How the services of this process do with the log: one store a service. */
export async function writeLogUse(stores: Stores, out: Exposition): Promise<void> {
  const [any] = stores.values();
  if (any === undefined) return;
  const { position } = await any.size();
  out.family('berth_projection_lag_events', 'gauge', 'Commits that the slowest fold of a service has yet to see.');
  for (const [service, store] of stores) out.sample(labelText({ service }), Math.max(0, position - (store.followedTo ?? position)));
  out.family('berth_log_append_seconds', 'histogram', 'Appends, until the log has them on disk.');
  for (const [service, store] of stores) out.histogram(labelText({ service }), store.appendSeconds);
  out.family('berth_replay_seconds', 'histogram', 'From the beginning of a following until it had caught up with the log.');
  for (const [service, store] of stores) out.histogram(labelText({ service }), store.replaySeconds);
}

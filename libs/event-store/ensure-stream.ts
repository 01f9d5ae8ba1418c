import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType, StoreCompression, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { internal } from '#libs/errors/errors.js';
import { eventPrefix } from './aggregate-subject.js';

const streamNotFound = 10059;
const nanosecondsASecond = 1_000_000_000;

/** Repeats within this are recognised by the server from the commit's id alone. */
const duplicateWindowSeconds = 120;

function wishedConfig(stream: string): Partial<StreamConfig> & { readonly name: string } {
  return {
    name: stream,
    description: 'Berth: all that happened, one message a decision',
    subjects: [`${eventPrefix}.>`],
    storage: StorageType.File,
    compression: StoreCompression.S2,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msgs_per_subject: -1,
    duplicate_window: duplicateWindowSeconds * nanosecondsASecond,
    allow_direct: true,
    // No single commit can be taken out. A whole subject could, which nothing does: the log only grows.
    deny_delete: true,
    deny_purge: false,
  };
}

/**
 * Creates the stream where it is missing. One that is there already and would lose, forget or not take events (memory storage, limits, another retention, sealed)
 * is refused (internal), never changed: it may be somebody else's.
 */
export async function ensureStream(manager: JetStreamManager, stream: string): Promise<void> {
  const wished = wishedConfig(stream);
  const found = await manager.streams.info(stream).then(
    (info) => info.config,
    (error: unknown) => {
      if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
      throw error;
    },
  );
  if (found === undefined) {
    await manager.streams.add(wished); // the same configuration added twice, by two services at once, is one stream
    return;
  }
  const wrong = (['storage', 'retention', 'discard', 'max_msgs', 'max_bytes', 'max_age', 'max_msgs_per_subject'] as const)
    .filter((key) => (found[key] ?? wished[key]) !== wished[key])
    .map((key) => `${key} is ${String(found[key])}, not ${String(wished[key])}`);
  if (found.sealed) wrong.push('it is sealed');
  if (found.no_ack) wrong.push('it acknowledges nothing');
  if (found.mirror) wrong.push('it is a mirror');
  if (found.republish || found.subject_transform || found.sources?.length) wrong.push('it passes on what it holds, or holds what was sent elsewhere');
  if (!wished.subjects?.every((subject) => found.subjects.includes(subject))) wrong.push(`its subjects are ${found.subjects.join(', ')}`);
  if (wrong.length > 0) throw internal(`the stream ${stream} is there already but cannot hold Berth's log: ${wrong.join('; ')}`);
}

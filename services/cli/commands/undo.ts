import type { DiscardReply, RemovedReply, RestoreReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { eachOf } from '../each-of.js';
import { printable, shortId, shortTime, textTable } from '../text-table.js';

/** `berth undo X… [--name NEW]`: brings removed containers back; without X, what can come back. `--discard`: deletes them for good instead. */
export const undo: Command = async ({ api, words, options, print }) => {
  if (options.name !== undefined && (words.length !== 1 || options.discard)) throw invalid('usage: berth undo NAME|ID --name NEW');
  if (words.length === 0) {
    if (options.discard) throw invalid('usage: berth undo NAME|ID… --discard');
    const removed = await api.get<RemovedReply[]>('/berth/removed');
    print(options.json ? JSON.stringify(removed) : removedTable(removed));
    return exitCodes.ok;
  }
  await eachOf(words, async (wanted) => {
    const path = `/berth/removed/${encodeURIComponent(wanted)}`;
    if (options.discard) {
      const reply = await api.delete<DiscardReply>(path);
      return print(options.json ? JSON.stringify(reply) : `${printable(wanted)} is deleted for good`);
    }
    const reply = await api.post<RestoreReply>(`${path}/restore${options.name === undefined ? '' : `?name=${encodeURIComponent(options.name)}`}`);
    print(options.json ? JSON.stringify(reply) : `${printable(reply.name)} is back: it does not run (docker start ${printable(reply.name)})`);
  });
  return exitCodes.ok;
};

function removedTable(removed: readonly RemovedReply[]): string {
  return textTable(
    ['CONTAINER ID', 'IMAGE', 'NAME', 'REMOVED', 'KEPT UNTIL'],
    removed.map(({ id, image, name, removedAt, until }) => [shortId(id), image, name, shortTime(removedAt), shortTime(until)]),
  );
}

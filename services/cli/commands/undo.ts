import type { DiscardReply, RemovedReply, RestoreReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { printable, shortId, shortTime, textTable } from '../text-table.js';

/** `berth undo X [--name NEW]`: brings a removed container back; without X, what can come back. `--discard`: deletes it for good instead. */
export const undo: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) {
    const removed = await api.get<RemovedReply[]>('/berth/removed');
    print(options.json ? JSON.stringify(removed) : removedTable(removed));
    return exitCodes.ok;
  }
  const path = `/berth/removed/${encodeURIComponent(wanted)}`;
  if (options.discard) {
    if (options.name !== undefined) throw invalid('usage: berth undo NAME|ID --discard');
    const reply = await api.delete<DiscardReply>(path);
    print(options.json ? JSON.stringify(reply) : `${printable(wanted)} is deleted for good`);
    return exitCodes.ok;
  }
  const reply = await api.post<RestoreReply>(`${path}/restore${options.name === undefined ? '' : `?name=${encodeURIComponent(options.name)}`}`);
  print(options.json ? JSON.stringify(reply) : `${printable(reply.name)} is back: it does not run (docker start ${printable(reply.name)})`);
  return exitCodes.ok;
};

function removedTable(removed: readonly RemovedReply[]): string {
  return textTable(
    ['CONTAINER ID', 'IMAGE', 'NAME', 'REMOVED', 'KEPT UNTIL'],
    removed.map(({ id, image, name, removedAt, until }) => [shortId(id), image, name, shortTime(removedAt), shortTime(until)]),
  );
}

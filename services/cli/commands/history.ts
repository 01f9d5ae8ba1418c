import type { LogEntry } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { shortDuration } from '../durations.js';
import { shortDetails } from '../short-details.js';
import { shortTime, textTable } from '../text-table.js';

/** `berth history X`: all that ever happened to a container, image, volume or network, who caused it, and how long it took. */
export const history: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth history NAME|ID');
  const rows: string[][] = [];
  // A list, of a member a line: a long one as a whole would be more than a string holds.
  const onLine = (line: string): void => {
    const entry = line.replace(/,$/, '');
    if (!entry.startsWith('{')) return;
    if (options.json) return print(entry);
    const { time, event, actor, cause, durationMs, details } = JSON.parse(entry) as LogEntry; // the engine's own, of contracts/gateway
    rows.push([shortTime(time), event, actor, cause.slice(0, 8), durationMs === undefined ? '' : shortDuration(durationMs), shortDetails(details)]);
  };
  await api.lines(`/berth/history/${encodeURIComponent(wanted)}`, onLine, new AbortController().signal);
  if (!options.json) print(textTable(['TIME', 'EVENT', 'ACTOR', 'CAUSE', 'TOOK', 'DETAILS'], rows));
  return exitCodes.ok;
};

import type { LogEntry } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { shortDetails } from '../short-details.js';
import { shortTime, textTable } from '../text-table.js';

/** `berth history X`: all that ever happened to a container, image, volume or network, and who caused it. */
export const history: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth history NAME|ID');
  const entries = await api.get<LogEntry[]>(`/berth/history/${encodeURIComponent(wanted)}`);
  if (options.json) for (const entry of entries) print(JSON.stringify(entry));
  else
    print(
      textTable(
        ['TIME', 'EVENT', 'ACTOR', 'CAUSE', 'DETAILS'],
        entries.map(({ time, event, actor, cause, details }) => [shortTime(time), event, actor, cause.slice(0, 8), shortDetails(details)]),
      ),
    );
  return exitCodes.ok;
};

import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { findTarget } from '../find-subject.js';
import { historyOf, shortDetails } from '../history.js';
import { readLog } from '../open-log.js';
import { shortTime, textTable } from '../text-table.js';

/** `berth history X`: all that ever happened to a container, image, volume or network, and who caused it. */
export const history: Command = async ({ store, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth history NAME|ID');
  const { commits } = await readLog(store);
  const entries = historyOf(commits, findTarget(commits, wanted));
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

import type { StatusReply } from '#contracts/gateway/log-replies.js';
import { type Command, exitCodes } from '../command.js';
import { textTable } from '../text-table.js';

/** `berth status`: whether the services are up, and how much the log holds. Exit code 1 when one is not ready. */
export const status: Command = async ({ api, options, print }) => {
  const now = await api.get<StatusReply>('/berth/status');
  const counts = (of: Readonly<Record<string, number>>): string => Object.entries(of).map(([word, count]) => `${count} ${word}`).join(', ') || 'none';
  if (options.json) print(JSON.stringify(now));
  else
    print(
      textTable(
        ['WHAT', 'VALUE'],
        [
          ['ready', now.ready.join(', ') || 'none'],
          ...(now.notReady.length === 0 ? [] : [['not ready', now.notReady.join(', ')]]),
          ['containers', counts(now.containersByStatus)],
          ['log position', String(now.position)],
          ['events', `${now.events} in ${now.commits} commits`],
          ['commits', counts(now.commitsByAggregate)],
          ['first, last', `${now.firstCommit ?? '-'}, ${now.lastCommit ?? '-'}`],
        ],
      ),
    );
  return now.notReady.length === 0 ? exitCodes.ok : exitCodes.no;
};

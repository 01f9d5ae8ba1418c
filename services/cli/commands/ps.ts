import { type Command, exitCodes } from '../command.js';
import { commitsUntil, readTime } from '../at-time.js';
import { foldContainers } from '../container-fold.js';
import { containerTable } from '../container-table.js';
import { readLog } from '../open-log.js';

/** `berth ps [--at TIME]`: all containers there are, or were. */
export const ps: Command = async ({ store, options, print }) => {
  const time = options.at === undefined ? Infinity : readTime(options.at, Date.now());
  const { commits } = await readLog(store);
  const containers = [...foldContainers(commitsUntil(commits, time)).values()].filter(({ status }) => status !== 'removed');
  print(options.json ? JSON.stringify(containers) : containerTable(containers));
  return exitCodes.ok;
};

import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { commitsUntil, readTime } from '../at-time.js';
import { containerFacts } from '../container-table.js';
import { findContainer } from '../find-subject.js';
import { readLog } from '../open-log.js';

/** `berth inspect X [--at TIME]`: one container as it is, or was. */
export const inspect: Command = async ({ store, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth inspect NAME|ID [--at TIME]');
  const time = options.at === undefined ? Infinity : readTime(options.at, Date.now());
  const { commits } = await readLog(store);
  const container = findContainer(commitsUntil(commits, time), wanted);
  print(options.json ? JSON.stringify(container) : containerFacts(container));
  return exitCodes.ok;
};

import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { findContainer } from '../find-subject.js';
import { readLog } from '../open-log.js';
import { printable } from '../text-table.js';
import { why as sentence } from '../why.js';

/** `berth why X`: why a container is as it is. */
export const why: Command = async ({ store, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth why NAME|ID');
  const container = findContainer((await readLog(store)).commits, wanted);
  const { id, name, status, since } = container;
  print(options.json ? JSON.stringify({ id, name, status, since, why: sentence(container) }) : printable(sentence(container)));
  return exitCodes.ok;
};

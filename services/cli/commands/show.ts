import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { findContainer } from '../find-subject.js';
import { readLog } from '../open-log.js';
import { runCommand } from '../run-command.js';

/** `berth show X --as run`: the command that makes the container again. */
export const show: Command = async ({ store, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined || (options.as ?? 'run') !== 'run') throw invalid('usage: berth show NAME|ID --as run');
  const { id, name, created } = findContainer((await readLog(store)).commits, wanted);
  const command = runCommand(created, name);
  print(options.json ? JSON.stringify({ id, name, run: command }) : command);
  return exitCodes.ok;
};

import type { RunReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';

/** `berth show X --as run`: the command that makes the container again. */
export const show: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined || (options.as ?? 'run') !== 'run') throw invalid('usage: berth show NAME|ID --as run');
  const shown = await api.get<RunReply>(`/berth/containers/${encodeURIComponent(wanted)}/run`);
  print(options.json ? JSON.stringify(shown) : shown.run);
  return exitCodes.ok;
};

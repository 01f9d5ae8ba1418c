import type { WhyReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { printable } from '../text-table.js';

/** `berth why X`: why a container is as it is. */
export const why: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth why NAME|ID');
  const reply = await api.get<WhyReply>(`/berth/why/${encodeURIComponent(wanted)}`);
  print(options.json ? JSON.stringify(reply) : printable(reply.why));
  return exitCodes.ok;
};

import { invalid } from '#libs/errors/errors.js';
import { atQuery } from '../at-query.js';
import { type Command, exitCodes } from '../command.js';
import { type ContainerAt, containerFacts } from '../container-table.js';

/** `berth inspect X [--at TIME]`: one container as it is, or was. */
export const inspect: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined) throw invalid('usage: berth inspect NAME|ID [--at TIME]');
  const container = await api.get<ContainerAt>(`/berth/containers/${encodeURIComponent(wanted)}${atQuery(options.at)}`);
  print(options.json ? JSON.stringify(container) : containerFacts(container));
  return exitCodes.ok;
};

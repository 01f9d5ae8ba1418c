import { atQuery } from '../at-query.js';
import { type Command, exitCodes } from '../command.js';
import { type ContainerAt, containerTable } from '../container-table.js';

/** `berth ps [--at TIME]`: all containers there are, or were. */
export const ps: Command = async ({ api, options, print }) => {
  const containers = await api.get<ContainerAt[]>(`/berth/containers${atQuery(options.at)}`);
  print(options.json ? JSON.stringify(containers) : containerTable(containers));
  return exitCodes.ok;
};

import type { EditReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { readChanges } from '../edit-options.js';
import { printable } from '../text-table.js';

/** `berth edit X OPTIONS [-- COMMAND…]`: changes a container that is there, and says what holds now and what from the next start on. */
export const edit: Command = async ({ api, words, behind, options, print }) => {
  const [wanted] = words;
  const changes = readChanges(options, behind);
  if (wanted === undefined || Object.keys(changes).length === 0) throw invalid('usage: berth edit NAME|ID OPTIONS [-- COMMAND…]; berth --help names them');
  const reply = await api.post<EditReply>(`/berth/containers/${encodeURIComponent(wanted)}/edit`, changes);
  print(options.json ? JSON.stringify(reply) : told(wanted, reply));
  return exitCodes.ok;
};

/** `berth revert X [--to VERSION]`: what it was in that version, or in the one before the newest. */
export const revert: Command = async ({ api, words, options, print }) => {
  const [wanted] = words;
  if (wanted === undefined || !/^[1-9]\d*$/.test(options.to ?? '1')) throw invalid('usage: berth revert NAME|ID [--to VERSION]');
  const reply = await api.post<EditReply>(`/berth/containers/${encodeURIComponent(wanted)}/revert${options.to === undefined ? '' : `?to=${options.to}`}`);
  print(options.json ? JSON.stringify(reply) : told(wanted, reply));
  return exitCodes.ok;
};

function told(name: string, { version, live, atNextStart }: EditReply): string {
  const parts = [...(live.length > 0 ? [`now: ${live.join(', ')}`] : []), ...(atNextStart.length > 0 ? [`at its next start: ${atNextStart.join(', ')}`] : [])];
  return parts.length === 0 ? `${printable(name)} is so already (version ${version})` : `${printable(name)} is version ${version}; ${parts.join('; ')}`;
}

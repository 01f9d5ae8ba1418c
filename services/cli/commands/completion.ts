import type { RemovedReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { completionsOf, type Names } from '../command-words.js';
import type { ContainerAt } from '../container-table.js';
import { scriptFor, SHELLS } from '../shell-scripts.js';

/** `berth completion SHELL`: its script; `berth completion words -- WORD…`, which that script asks: what may stand in place of the last word, a line each. */
export const completion: Command = async ({ api, words, behind, print }) => {
  const [wanted = ''] = words;
  if (wanted !== 'words') {
    const script = scriptFor(wanted);
    if (script === undefined) throw invalid(`usage: berth completion ${SHELLS.join('|')}`);
    print(script);
    return exitCodes.ok;
  }
  const namesOf = async (names: Names): Promise<readonly string[]> => {
    if (names === 'none') return [];
    if (names === 'shells') return SHELLS;
    if (names === 'removed') return (await api.get<RemovedReply[]>('/berth/removed')).map(({ name }) => name);
    const containers = await api.get<ContainerAt[]>('/berth/containers');
    return containers.filter(({ status }) => status !== 'removed').map(({ name }) => name);
  };
  for (const word of await completionsOf(behind, namesOf)) print(word);
  return exitCodes.ok;
};

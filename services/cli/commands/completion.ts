import type { RemovedReply } from '#contracts/gateway/log-replies.js';
import { invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { completionsOf, type Names } from '../command-words.js';
import type { EngineApi } from '../engine-api.js';
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
    const containers = (await api.get<ContainerAt[]>('/berth/containers')).filter(({ status }) => status !== 'removed').map(({ name }) => name);
    return names === 'containers' ? containers : [...containers, ...(await otherNames(api))];
  };
  for (const word of await completionsOf(behind, namesOf)) print(word);
  return exitCodes.ok;
};

/** Of images, volumes and networks, as Docker's clients are shown them. */
async function otherNames(api: EngineApi): Promise<readonly string[]> {
  const [images, { Volumes }, networks] = await Promise.all([
    api.get<{ readonly RepoTags: readonly string[] }[]>('/images/json'),
    api.get<{ readonly Volumes: readonly { readonly Name: string }[] }>('/volumes'),
    api.get<{ readonly Name: string }[]>('/networks'),
  ]);
  return [...images.flatMap(({ RepoTags }) => RepoTags), ...[...Volumes, ...networks].map(({ Name }) => Name)];
}

import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { EngineSettings } from './engine-settings.js';
import { frontProcess } from './services.js';

type RunRoot = Pick<EngineSettings, 'runRoot'>;

/**
 * Where a process makes its sockets, and tells that it is ready. A folder a process, and its user's alone to write in: root writes in the run root by names that anybody knows,
 * so nobody else may write there, and of the sockets' group are also those who may do no more than knock.
 */
export const processFolder = ({ runRoot }: RunRoot, process: string): string => `${runRoot}/processes/${process}`;

/** There while that process is ready. */
export const readyFile = (settings: RunRoot, process: string): string => `${processFolder(settings, process)}/ready`;

/** Where the gateway listens for clients. They know it as `settings.socket`; where that lies in the run root, it is a link, since the gateway makes nothing there. */
export function listeningSocket(settings: Pick<EngineSettings, 'runRoot' | 'socket' | 'apart'>): string {
  return isLinked(settings) ? `${processFolder(settings, frontProcess(settings))}/docker.sock` : settings.socket;
}

/** By whatever names the two are known. */
export const isLinked = ({ runRoot, socket }: Pick<EngineSettings, 'runRoot' | 'socket'>): boolean => real(dirname(socket)) === real(runRoot);

function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return resolve(folder); // not made yet
  }
}

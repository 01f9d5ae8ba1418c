import { existsSync } from 'node:fs';
import { readyFile } from '#libs/settings/run-root.js';

/** Whether that process of this engine has said that it is ready. */
export const isReady = (runRoot: string, process: string): boolean => existsSync(readyFile({ runRoot }, process));

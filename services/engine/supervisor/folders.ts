import { readSupervisorSettings } from '../settings.js';
import { ensureAccounts } from './account.js';
import { makeDirectories } from './directories.js';
import { makeRoots } from './roots.js';

/** The folders of a node whose processes no supervisor starts, as in pods, each with its owner: run once, as root, before them. */
const settings = readSupervisorSettings();
makeRoots(settings);
makeDirectories(settings, ensureAccounts(settings));

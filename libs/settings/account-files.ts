import { existsSync, readFileSync } from 'node:fs';
import type { AccountFiles } from './subordinate-ids.js';

/** This machine's; a file that is not there is empty. */
export function accountFiles(): AccountFiles {
  const text = (name: string): string => (existsSync(`/etc/${name}`) ? readFileSync(`/etc/${name}`, 'utf8') : '');
  return { passwd: text('passwd'), group: text('group'), subuid: text('subuid'), subgid: text('subgid') };
}

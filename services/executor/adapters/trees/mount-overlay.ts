import { closeSync, constants, openSync } from 'node:fs';
import { O_PATH } from '#libs/linux/directory-entries.js';
import { fchdir, mount, mountByOptions } from '#libs/linux/mounts.js';

export interface OverlayMount {
  /** Names in `lower` are below it. */
  readonly baseDirectory: string;
  /** Top first. */
  readonly lower: readonly string[];
  /** Absent: nothing can be written, and there are two lower directories at least. */
  readonly own?: { readonly upper: string; readonly work: string; readonly options: string };
}

/** What mount(2) reads of the data that it is given, the NUL at its end included. */
const PAGE_BYTES = 4096;

/** `flags`: MS_NOSUID and the like. Only on a thread of TreeThreads. */
export function mountOverlay({ baseDirectory, lower, own }: OverlayMount, at: string, flags: number): void {
  const base = openSync(baseDirectory, O_PATH | constants.O_DIRECTORY);
  try {
    // Relative names are short: a page has room for some 140 of them.
    fchdir(base);
  } finally {
    closeSync(base);
  }
  const others = own ? [`upperdir=${own.upper}`, `workdir=${own.work}`, ...own.options.split(',').filter((option) => option !== '')] : [];
  const data = [`lowerdir=${lower.join(':')}`, ...others].join(',');
  if (Buffer.byteLength(data) < PAGE_BYTES) mount('overlay', at, 'overlay', flags, data);
  // More layers go in one by one (kernel 6.5), as at a start.
  else mountByOptions('overlay', [...lower.map((layer) => ['lowerdir+', layer] as const), ...others.map(nameAndValue)], at, flags);
}

function nameAndValue(option: string): readonly [string, string] {
  const at = option.indexOf('=');
  return [option.slice(0, at), option.slice(at + 1)];
}

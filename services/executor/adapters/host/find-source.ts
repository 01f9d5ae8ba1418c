import { accessSync, mkdirSync, promises, realpathSync } from 'node:fs';
import { noBindSource } from '../../domain/spec/volume-part.js';

export interface SourceWish {
  readonly source: string;
  /** What is missing is made, as directories. */
  readonly makes: boolean;
  /** Resolves to where it is with no symlink on the way, else to undefined. */
  readonly resolves: boolean;
}

/** A path of the host's that is to be bound. Rejects as invalid, in dockerd's words, where there is nothing. It takes as long as the file system does that it is in. */
export const findSource = (wish: SourceWish): Promise<string | undefined> => find(wish, promises);

/** The same on the calling thread alone: what is asynchronous waits on threads of which a process has four, whichever of its own asks. */
export const findSourceHere = (wish: SourceWish): Promise<string | undefined> => find(wish, { access: accessSync, mkdir: mkdirSync, realpath: realpathSync.native });

interface Calls {
  access(path: string): unknown;
  mkdir(path: string, options: { readonly recursive: true }): unknown;
  realpath(path: string): string | Promise<string>;
}

async function find({ source, makes, resolves }: SourceWish, calls: Calls): Promise<string | undefined> {
  try {
    await (makes ? calls.mkdir(source, { recursive: true }) : calls.access(source));
  } catch (error) {
    if (!makes) throw noBindSource(source);
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return resolves ? await calls.realpath(source) : undefined;
}

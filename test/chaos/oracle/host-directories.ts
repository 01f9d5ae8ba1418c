import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Names in a directory; none where it is not there. */
export function namesIn(...path: readonly string[]): string[] {
  const directory = join(...path);
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

/** Sockets and half-written files anywhere below the run root, as paths below it. */
export function oddFilesIn(runRoot: string): { readonly sockets: readonly string[]; readonly halfWritten: readonly string[] } {
  const all = existsSync(runRoot) ? readdirSync(runRoot, { recursive: true, encoding: 'utf8' }) : [];
  const isSocket = (name: string): boolean => lstatSync(join(runRoot, name), { throwIfNoEntry: false })?.isSocket() ?? false;
  return { sockets: all.filter(isSocket).sort(), halfWritten: all.filter((name) => /\.(new|tmp)$/.test(name)) };
}

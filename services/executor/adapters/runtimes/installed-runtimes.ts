import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import { invalid } from '#libs/errors/errors.js';

/** Those whose command line is known to be runc's. */
const KNOWN = ['runc', 'crun'];
const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Names for `--runtime`, Berth's own first. Looked for anew each time: a package may have been installed since. */
export function runtimeNames(): readonly string[] {
  return [OWN_RUNTIME, ...KNOWN.filter((name) => installedPath(name) !== undefined)];
}

/** Path of an installed OCI runtime. Throws `invalid` in dockerd's words where there is none. */
export function runtimePath(name: string): string {
  const path = KNOWN.includes(name) ? installedPath(name) : undefined;
  if (path === undefined) throw invalid(`unknown or invalid runtime name: ${name}`);
  return path;
}

/** Undefined: it is not installed. */
export function installedPath(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

import { readFileSync } from 'node:fs';
import { access, mkdir, realpath } from 'node:fs/promises';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { invalid, notImplemented } from '#libs/errors/errors.js';

/**
 * A bind's source on the host: -v makes a missing one as a directory, --mount refuses. Where the bind is to receive the host's later mounts, the source has to lie on
 * a mount that passes them on. Rejects as invalid, in dockerd's words.
 */
export async function prepareBindSource({ source, createSource, propagation }: ContainerMount): Promise<void> {
  if (createSource) await mkdir(source, { recursive: true }).catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
  else await checkBindSource(source);
  if (/shared|slave/.test(propagation)) checkPropagation(await realpath(source), propagation);
}

/** Rejects as invalid where there is nothing. */
export async function checkBindSource(source: string): Promise<void> {
  await access(source).catch(() => Promise.reject(invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`)));
}

function checkPropagation(source: string, propagation: string): void {
  const { mountPoint, shared, slave } = mountOf(source);
  if (/shared/.test(propagation)) {
    if (!shared) throw invalid(`path ${source} is mounted on ${mountPoint} but it is not a shared mount`);
    throw notImplemented(`Berth does not support mounts that reach the host from a container (${propagation}) yet: use rslave`);
  }
  if (!shared && !slave) throw invalid(`path ${source} is mounted on ${mountPoint} but it is not a shared or slave mount`);
}

/** proc_pid_mountinfo(5): the mount that a path lies on. Read only where somebody asked for propagation: it grows with the machine's mounts. */
function mountOf(path: string): { readonly mountPoint: string; readonly shared: boolean; readonly slave: boolean } {
  let found = { mountPoint: '/', shared: false, slave: false };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [fields = ''] = line.split(' - ');
    const [, , , , escaped = '', , ...optional] = fields.split(' ');
    const mountPoint = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    // Of two mounts on one place the later one is seen.
    const covers = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (!covers || mountPoint.length < found.mountPoint.length) continue;
    found = { mountPoint, shared: optional.some((field) => field.startsWith('shared:')), slave: optional.some((field) => field.startsWith('master:')) };
  }
  return found;
}

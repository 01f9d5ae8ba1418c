import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { SetupError } from './progress.mjs';

/** Throws SetupError where the kernel offers no cgroup controllers to account containers with. */
export function checkCgroups(mount = '/sys/fs/cgroup') {
  const unified = `${mount}/cgroup.controllers`;
  const controllers = existsSync(unified) ? readFileSync(unified, 'utf8').trim().split(/\s+/) : existsSync(mount) ? readdirSync(mount) : [];
  if (controllers.includes('memory') && controllers.includes('pids')) return;
  throw new SetupError(`no cgroup controllers memory and pids at ${mount}: mount cgroup2 there (mount -t cgroup2 none ${mount}), or the controllers of version 1 below it`);
}

/** Throws SetupError where something else listens on `path`. A socket that nobody listens on is left over and does not count. */
export async function checkSocketIsFree(path) {
  if (existsSync(path) && (await answers({ path }))) throw new SetupError(`something else listens on ${path}: stop it, or choose another path with BERTH_SOCKET`);
}

export async function checkPortIsFree(port, variable) {
  if (port !== 0 && (await answers({ host: '127.0.0.1', port }))) throw new SetupError(`port ${port} of 127.0.0.1 is taken by something else: free it, or choose another with ${variable}`);
}

function answers(address) {
  return new Promise((resolve) => {
    const socket = connect(address);
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => end(true));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

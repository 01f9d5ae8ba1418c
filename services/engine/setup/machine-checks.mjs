import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
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

/** `host`: an address, also one that stands for all. `user`: who is to listen there. */
export async function checkPortIsFree(host, port, variable, user) {
  const least = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  if (user !== 'root' && port > 0 && port < least) throw new SetupError(`${variable} names port ${port}, and ports below ${least} are root's alone, which the engine is not: choose another`);
  if (port !== 0 && (await answers({ host, port }))) throw new SetupError(`port ${port} of ${host} is taken by something else: free it, or choose another with ${variable}`);
}

/** What the services' first words and files take: without, none could even tell what it lacks. */
const LEAST_ROOM = 1024 * 1024;

/** Throws SetupError where the disk that `path` lies on, or is to lie on, is full. */
export function checkRoom(path) {
  if (!existsSync(path)) return checkRoom(dirname(path));
  const { bavail, bsize, files, ffree } = statfsSync(path);
  if (bavail * bsize < LEAST_ROOM) throw new SetupError(`the disk of ${path} is full: ${Math.floor((bavail * bsize) / 1024)} KiB are free`);
  if (files > 0 && ffree === 0) throw new SetupError(`the disk of ${path} has no room for another file (df -i ${path})`);
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

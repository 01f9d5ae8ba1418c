import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMounts } from '../engine/leaks.js';

export interface PrivatePodman {
  /** Path of the socket of its API, which speaks Docker's. */
  readonly socket: string;
  readonly pid: number;
  /** Ends it and removes its folders and cgroups. Containers must be gone. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
/** podman keeps an exec's keeper for five minutes after its end, which then makes folders again that are gone: as long as clients ask how it ended is enough. containers.conf(5). */
const SETTINGS = '[engine]\nexit_command_delay = 3\n';
/** Made by podman in each hierarchy for whatever has no parent of its own. */
const CGROUPS = ['/libpod_parent/conmon', '/libpod_parent'];

/**
 * podman's API service with storage, networks and files of its own, in network and mount namespaces of its own, on `runtime` ("runc": crun 1.8 refuses hybrid
 * cgroups). Needs root. Rejects with the end of its log when it does not answer within 30 s.
 */
export async function startPodman(program: string, runtime: string): Promise<PrivatePodman> {
  const root = mkdtempSync('/var/tmp/bench-podman-'); // on the disk: overlay does not stack on every tmpfs
  const runRoot = join('/run', basename(root)); // sockets' paths are short
  mkdirSync(runRoot);
  const socket = join(runRoot, 'podman.sock');
  const settings = join(root, 'containers.conf');
  writeFileSync(settings, SETTINGS);
  const log = openSync(join(root, 'podman.log'), 'a');
  const options = {
    '--root': join(root, 'data'), '--runroot': join(runRoot, 'run'), '--tmpdir': join(runRoot, 'tmp'), '--network-config-dir': join(root, 'networks'), '--volumepath': join(root, 'volumes'),
    '--storage-driver': 'overlay', '--cgroup-manager': 'cgroupfs', '--events-backend': 'file', '--runtime': runtime,
  };
  const child = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', program, ...Object.entries(options).flat(), 'system', 'service', '--time', '0', `unix://${socket}`], {
    detached: true, // a Ctrl-C is for the benchmark, which then stops it in order
    cwd: '/',
    env: { ...process.env, CONTAINERS_CONF: settings },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    await end(child, ended);
    await untilNobodyNames(root);
    for (const mount of cgroupMounts()) for (const path of CGROUPS) await rmdir(`${mount}${path}`).catch(() => undefined);
    rmSync(runRoot, { recursive: true, force: true });
    rmSync(root, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_MS;
  while (!(await answers(socket))) {
    if (ended() || Date.now() > deadline) {
      const text = readFileSync(join(root, 'podman.log'), 'utf8').split('\n').slice(-20).join('\n');
      await stop();
      throw new Error(`podman did not come up: ${text}`);
    }
    await sleep(50);
  }
  return { socket, pid: child.pid ?? 0, stop };
}

async function end(child: ChildProcess, ended: () => boolean): Promise<void> {
  if (!ended()) child.kill('SIGTERM');
  const deadline = Date.now() + READY_MS;
  while (!ended()) {
    if (Date.now() > deadline) child.kill('SIGKILL');
    await sleep(20);
  }
}

/** A container's keeper starts `podman container cleanup` after its end, which would make folders again that are gone. */
async function untilNobodyNames(root: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline && readdirSync('/proc').some((name) => /^\d+$/.test(name) && commandLine(name).includes(root))) await sleep(50);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMounts } from '../engine/leaks.js';
import { enterTree } from './tree.js';

export interface PrivateDockerd {
  /** Path of the Docker Engine API's socket. */
  readonly socket: string;
  readonly pid: number;
  /** Ends it and what it started, and removes its folders and cgroups. Containers must be gone. */
  stop(): Promise<void>;
}

/**
 * A dockerd with a containerd of its own, in network and mount namespaces of its own: its bridge, firewall and mounts go with it. `program` is
 * the path of dockerd, `more` further options of it, `tree` the folder of another system that it comes from with its libraries. Needs root. Rejects with the end of
 * its log when it does not come up within 30 s.
 */
export async function startDockerd(program: string, more: readonly string[] = [], tree?: string): Promise<PrivateDockerd> {
  const root = mkdtempSync('/var/tmp/bench-dockerd-'); // on the disk: overlay does not stack on every tmpfs
  chmodSync(root, 0o711); // with userns-remap its containers' root is another's
  const runRoot = join('/run', basename(root)); // sockets' paths are short
  mkdirSync(runRoot);
  const dockerd = new Dockerd(program, root, runRoot, more, tree);
  try {
    await dockerd.untilReady();
    return dockerd;
  } catch (error) {
    const log = dockerd.log();
    await dockerd.stop().catch(() => undefined); // the first failure is the one to tell
    throw new Error(`dockerd did not come up: ${String(error)}\n${log}`, { cause: error });
  }
}

class Dockerd implements PrivateDockerd {
  readonly socket: string;
  private readonly process: ChildProcess;
  private readonly cgroup: string;

  constructor(
    program: string,
    private readonly root: string,
    private readonly runRoot: string,
    more: readonly string[],
    tree: string | undefined,
  ) {
    this.socket = join(runRoot, 'docker.sock');
    this.cgroup = `/${basename(root)}`;
    const config = join(root, 'daemon.json');
    writeFileSync(config, '{}');
    const options = {
      '--host': `unix://${this.socket}`,
      '--data-root': join(root, 'data'),
      '--exec-root': join(runRoot, 'exec'),
      '--pidfile': join(runRoot, 'docker.pid'),
      '--config-file': config, // the machine's own must not count
      '--cgroup-parent': this.cgroup,
      '--group': 'root',
    };
    const words = [...Object.entries(options).flat(), ...more];
    const log = openSync(join(root, 'dockerd.log'), 'a');
    // All commands exec, so the child's pid is dockerd's.
    const script = ['ip link set lo up', ...(tree === undefined ? [] : [enterTree(tree, join(root, 'tree'), [root, runRoot])]), 'exec "$@"'].join(' && ');
    this.process = spawn('unshare', ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', program, ...words], {
      detached: true, // a Ctrl-C is for the benchmark, which then stops it in order
      cwd: '/',
      stdio: ['ignore', log, log],
    });
    closeSync(log);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  async untilReady(): Promise<void> {
    const deadline = Date.now() + 30_000;
    // dockerd makes its socket early, and serves it when it is ready.
    while (!/API listen on/.test(this.log()) || !existsSync(this.socket)) {
      if (this.ended()) throw new Error(`it exited with ${this.process.exitCode ?? this.process.signalCode}`);
      if (Date.now() > deadline) throw new Error('not ready within 30 s');
      await sleep(50);
    }
  }

  log(): string {
    return readFileSync(join(this.root, 'dockerd.log'), 'utf8').split('\n').slice(-30).join('\n');
  }

  async stop(): Promise<void> {
    if (!this.ended()) this.process.kill('SIGTERM');
    const deadline = Date.now() + 30_000;
    while (!this.ended()) {
      if (Date.now() > deadline) throw new Error(`dockerd (pid ${this.process.pid}) did not end within 30 s; its folder is ${this.root}`);
      await sleep(20);
    }
    for (const mount of cgroupMounts()) await rmdir(`${mount}${this.cgroup}`).catch(() => undefined);
    rmSync(this.runRoot, { recursive: true, force: true });
    rmSync(this.root, { recursive: true, force: true });
  }

  private ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }
}

/** What `dockerd --version` says, of the dockerd in `tree` where there is one. */
export function dockerdVersion(program: string, tree = '/'): string {
  return /version ([^\s,+]+)/.exec(execFileSync('chroot', [tree, program, '--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown';
}

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readyFile } from '#libs/settings/run-root.js';
import { frontProcess, processNames, type ServiceName } from '#libs/settings/services.js';
import { readSupervisorSettings, settingsEnvironment, type SupervisorSettings } from '../../services/engine/settings.js';
import { isRunning, runningProcess } from '../../services/engine/supervisor/process-file.js';
import { http } from './http.js';
import { leaksOf, parentCgroups } from './leaks.js';
import { patience } from './patience.js';
import { privateEnvironment } from './private-environment.js';

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface TestEngine {
  readonly settings: SupervisorSettings;
  /** Path of the Docker Engine API's socket. */
  readonly socket: string;
  /** Runs the real docker CLI against this engine, with `input` on its stdin; a failure is a code, not a throw. */
  docker(args: readonly string[], input?: string | Uint8Array): Promise<CliResult>;
  /** Loads busybox:latest and hello:latest, made of this machine's busybox. */
  loadBusybox(): Promise<void>;
  /** The pid of a process, or undefined while it does not run. */
  pid(process: 'supervisor' | 'nats' | 'executor' | 'engine' | ServiceName): number | undefined;
  /** Stops the services; containers run on. `up` brings them back. */
  down(): Promise<void>;
  /** `changes`: variables that have another value from now on. */
  up(changes?: Readonly<Record<string, string>>): Promise<void>;
  /** Removes all containers, stops, removes all data. Rejects with what leaked. */
  stop(): Promise<void>;
}

/** A CLI ends before it is worth its while to collect garbage or to wake more threads: a fifth of what it takes of the processor. */
const SHORT_LIVED = { GOGC: 'off', GOMEMLIMIT: '64MiB', GOMAXPROCS: '1' };
const SUPERVISOR = fileURLToPath(new URL('../../bundled/services/supervisor.js', import.meta.url));
const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;

/**
 * An engine with data, sockets, ports, bridge, firewall table and cgroups of its own, so that it disturbs no other on this machine. Needs root. `mounts`: shell
 * commands that change what the engine finds on the host, in a mount namespace that it alone has.
 */
export async function startEngine(environment: Readonly<Record<string, string>> = {}, mounts?: string): Promise<TestEngine> {
  const id = randomBytes(3).toString('hex');
  const dataRoot = environment['BERTH_DATA_ROOT'] ?? mkdtempSync('/var/tmp/berth-test-'); // on the disk: overlay does not stack on every tmpfs
  const settings = settingsOf({ ...(await privateEnvironment(id, dataRoot)), ...environment });
  const engine = new PrivateEngine(settings, environment, mounts);
  try {
    await engine.up();
  } catch (error) {
    const logs = engine.logs();
    await engine.stop().catch(() => undefined); // the first failure is the one to tell
    throw new Error(`the test's engine did not come up: ${String(error)}\n${logs}`, { cause: error });
  }
  return engine;
}

class PrivateEngine implements TestEngine {
  constructor(
    public settings: SupervisorSettings,
    private environment: Readonly<Record<string, string>>,
    private readonly mounts: string | undefined,
  ) {}

  get socket(): string {
    return this.settings.socket;
  }

  docker(args: readonly string[], input: string | Uint8Array = ''): Promise<CliResult> {
    return new Promise((resolve) => {
      const cli = process.env['BERTH_DOCKER_CLI'] ?? 'docker';
      const env = { PATH: process.env['PATH'] ?? '', HOME: this.settings.dataRoot, DOCKER_HOST: `unix://${this.socket}`, ...SHORT_LIVED };
      const child = execFile(cli, [...args], { env, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
        resolve({ stdout, stderr, code });
      });
      child.stdin?.on('error', () => undefined); // a CLI that ended early reads no more
      child.stdin?.end(input);
    });
  }

  async loadBusybox(): Promise<void> {
    const archive = join(this.settings.dataRoot, 'busybox.tar');
    const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
    writeFileSync(archive, busyboxImageTar());
    const { code, stderr } = await this.docker(['load', '--quiet', '--input', archive]);
    rmSync(archive);
    if (code !== 0) throw new Error(`docker load: ${stderr}`);
  }

  pid(process: string): number | undefined {
    return runningProcess(join(this.settings.runRoot, 'pids', process))?.pid;
  }

  async up(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    this.environment = { ...this.environment, ...changes };
    this.settings = readSupervisorSettings({ ...settingsEnvironment(this.settings), ...this.environment });
    const logs = join(this.settings.dataRoot, 'logs');
    mkdirSync(logs, { recursive: true });
    const log = openSync(join(logs, 'supervisor.log'), 'a');
    const command = [process.execPath, '--max-semi-space-size=1', SUPERVISOR];
    const [program = '', ...args] = this.mounts === undefined ? command : ['unshare', '--mount', '--propagation', 'slave', '/bin/sh', '-c', `${this.mounts} && exec "$@"`, 'sh', ...command];
    const supervisor: ChildProcess = spawn(program, args, {
      detached: true,
      cwd: '/',
      env: { ...process.env, ...settingsEnvironment(this.settings), ...this.environment },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    supervisor.unref();
    await until('all services are up', patience(60_000), () => {
      if (supervisor.exitCode !== null) throw new Error(`the supervisor exited with ${supervisor.exitCode}`);
      // It has ended what was arranged otherwise before it says who it is.
      return this.pid('supervisor') === supervisor.pid && processNames(this.settings).every((name) => this.pid(name) !== undefined && existsSync(readyFile(this.settings, name)));
    });
  }

  async down(): Promise<void> {
    for (const name of ['supervisor', ...processNames(this.settings).toReversed()]) {
      const service = runningProcess(join(this.settings.runRoot, 'pids', name));
      if (service === undefined) continue;
      process.kill(service.pid, 'SIGTERM');
      await until(`${name} has ended`, patience(45_000), () => !isRunning(service));
    }
  }

  async stop(): Promise<void> {
    if (this.pid(frontProcess(this.settings)) !== undefined) await this.removeContainers();
    await this.down();
    // A process removes its pid file just before it is gone.
    const leaks = await settled(() => leaksOf(this.settings));
    await this.removeTraces();
    if (leaks.length > 0) throw new Error(`left behind by the test's engine:\n${leaks.join('\n')}`);
  }

  /** The end of each service's log. */
  logs(): string {
    return ['supervisor', ...processNames(this.settings)]
      .map((name) => join(this.settings.dataRoot, 'logs', `${name}.log`))
      .filter((path) => existsSync(path))
      .map((path) => `== ${path}\n${readFileSync(path, 'utf8').split('\n').slice(-20).join('\n')}`)
      .join('\n');
  }

  private async removeContainers(): Promise<void> {
    try {
      const { text } = await http(this.socket, 'GET', '/containers/json?all=1');
      await Promise.all((JSON.parse(text) as { readonly Id: string }[]).map(({ Id }) => http(this.socket, 'DELETE', `/containers/${Id}?force=1&v=1`)));
    } catch {
      // An engine that does not answer: what it leaves is told.
    }
  }

  /** The bridge, the firewall table and the empty cgroup parent stay when an engine stops, since containers run on; a test's must go. */
  private async removeTraces(): Promise<void> {
    const { bridge, nftTable, cgroupParent, runRoot, dataRoot } = this.settings;
    await Promise.all([
      ...(existsSync(`/sys/class/net/${bridge}`) ? [attempt('ip', ['link', 'delete', bridge])] : []),
      ...['inet', 'ip', 'ip6', 'bridge'].map((family) => attempt('nft', ['delete', 'table', family, nftTable])),
    ]);
    for (const path of parentCgroups(cgroupParent)) await rmdir(path).catch(() => undefined);
    rmSync(runRoot, { recursive: true, force: true });
    rmSync(dataRoot, { recursive: true, force: true });
  }
}

/** Settings that are refused leave no data root behind. */
function settingsOf(environment: Readonly<Record<string, string>>): SupervisorSettings {
  try {
    return readSupervisorSettings(environment);
  } catch (error) {
    rmSync(environment['BERTH_DATA_ROOT'] ?? '', { recursive: true, force: true });
    throw error;
  }
}

/** What may be gone already: nothing to remove. */
const attempt = (program: string, args: readonly string[]): Promise<void> => new Promise((resolve) => execFile(program, [...args], () => resolve()));

async function until(what: string, timeoutMs: number, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await sleep(20);
  }
}

/** What is found, once nothing is or after two seconds, stretched. */
async function settled(find: () => string[]): Promise<string[]> {
  const deadline = Date.now() + patience(2_000);
  for (;;) {
    const found = find();
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(20);
  }
}

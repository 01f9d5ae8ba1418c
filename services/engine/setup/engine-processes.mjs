import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ask } from './engine-api.mjs';
import { node26 } from './npm-packages.mjs';
import { SetupError } from './progress.mjs';
import { REPOSITORY } from './repository.mjs';

const COMPILED = join(REPOSITORY, 'dist/services/engine');
const SUPERVISOR = join(REPOSITORY, 'dist/bundled/services/supervisor.js');
const compiled = (file) => import(pathToFileURL(join(COMPILED, file)).href);

export const isBuilt = () => existsSync(join(COMPILED, 'settings.js'));

/** The settings of this environment, and the processes that serve them. Needs dist/. */
export async function engineProcesses(environment = process.env) {
  const { readSupervisorSettings, settingsEnvironment } = await compiled('settings.js');
  const { telemetrySocket } = await compiled('../../libs/telemetry/telemetry-socket.js');
  const { readyFile } = await compiled('../../libs/settings/run-root.js');
  const { processNames } = await compiled('../../libs/settings/services.js');
  const { listenerUid } = await compiled('../../libs/nats/server-owner.js');
  const { isRunning, runningProcess } = await compiled('supervisor/process-file.js');
  const { recordedProgram } = await compiled('supervisor/arrangement.js');
  const { makeRoots } = await compiled('supervisor/roots.js');
  const { differenceOf, givenSettings, programOf } = await compiled('supervisor/program.js');
  let settings;
  try {
    settings = readSupervisorSettings(environment);
  } catch (error) {
    throw new SetupError(error.message);
  }
  const names = processNames(settings);
  const running = (name) => runningProcess(join(settings.runRoot, 'pids', name));
  /** Whether there is a process that clients speak with, however services were arranged when it was started. */
  const isServing = () => Boolean(running('engine') ?? running('gateway'));
  /** The uid that listens where nats-server is to; undefined: the port is free. */
  const natsPortHolder = () => listenerUid({ address: '127.0.0.1', port: settings.natsPort });
  const logFile = (name) => join(settings.dataRoot, 'logs', `${name}.log`);

  /**
   * How the engine that runs differs from what is in dist/ and from the settings of this environment; undefined: none runs, or it told of neither. `elsewhere`: the
   * installation that it is of, where it is another one.
   */
  function difference() {
    if (!running('supervisor') && !isServing()) return undefined;
    const recorded = recordedProgram(settings);
    const told = recorded ? differenceOf(recorded, programOf(REPOSITORY, settings, environment), givenSettings(environment)) : { code: true, missing: [], forgotten: [] };
    const [, program] = running('supervisor') ? (/\0([^\0]+)\/dist\/(?:bundled\/services\/supervisor|services\/engine\/supervisor\/main)\.js\0/.exec(readFileSync(`/proc/${running('supervisor').pid}/cmdline`, 'utf8')) ?? []) : [];
    return { ...told, ...(program && program !== REPOSITORY ? { elsewhere: program } : {}) };
  }

  /** Throws SetupError where the data root or the run root cannot be where it is to be. */
  function ensureRoots() {
    try {
      makeRoots(settings);
    } catch (error) {
      throw new SetupError(error.message);
    }
  }

  /** Starts the supervisor in a session of its own: it outlives this script and its terminal. */
  function startSupervisor(natsServer) {
    mkdirSync(join(settings.dataRoot, 'logs'), { recursive: true, mode: 0o711 });
    const log = openSync(logFile('supervisor'), 'a');
    const child = spawn(node26(), ['--max-semi-space-size=1', '--max-old-space-size=32', SUPERVISOR], {
      detached: true,
      cwd: '/',
      env: { ...environment, ...settingsEnvironment(settings), BERTH_NATS_SERVER: natsServer ?? '' },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    return child;
  }

  /** Resolves when all services are up. Throws SetupError with the last lines of the log of the first that is not. */
  async function untilReady(supervisor, timeoutMs = 60_000) {
    const deadline = Date.now() + timeoutMs;
    // It has ended what it does not adopt before it says who it is: until then others may look as if they were ready.
    const hasBegun = () => !supervisor || running('supervisor')?.pid === supervisor.pid;
    for (let missing; (missing = hasBegun() ? await notReady() : [{ name: 'supervisor', trouble: '' }]).length > 0; ) {
      if (supervisor && (supervisor.exitCode !== null || supervisor.signalCode !== null)) throw new SetupError(`the supervisor ended\n${tail('supervisor')}`);
      if (Date.now() > deadline) {
        const [{ name, trouble }] = missing;
        throw new SetupError(`${name} did not come up within ${timeoutMs / 1000} s${trouble}; the end of ${logFile(name)}:\n${tail(name)}`);
      }
      await pause(20);
    }
  }

  /** The services that do not run, or say of themselves (/readyz) that they cannot work yet, and why. */
  async function notReady() {
    const found = [];
    for (const name of names) {
      if (!(running(name) && existsSync(readyFile(settings, name)))) found.push({ name, trouble: '' });
      else if (name !== 'nats') {
        const answer = await ask(telemetrySocket(settings, name), 'GET', '/readyz').catch((error) => ({ status: 0, body: error.message }));
        if (answer.status !== 200) found.push({ name, trouble: `: ${String(answer.body).trim()}` });
      }
    }
    return found;
  }

  /** Bridge, firewall table and empty cgroups of an engine that is stopped, off the host: in the Node that the engine's own code is for. */
  function removeHostTraces() {
    const script = 'const [traces, settings] = await Promise.all(process.argv.slice(1).map((url) => import(url))); await traces.removeHostTraces(settings.readSupervisorSettings());';
    const urls = ['host-traces.js', 'settings.js'].map((file) => pathToFileURL(join(COMPILED, file)).href);
    const { status, stderr } = spawnSync(node26(), ['--input-type=module', '-e', script, ...urls], { env: { ...environment }, encoding: 'utf8' });
    if (status !== 0) throw new SetupError(`bridge ${settings.bridge}, table ${settings.nftTable} or cgroup ${settings.cgroupParent} cannot be removed: ${stderr}`);
  }

  /** Stops the supervisor, which stops all; where it is gone, the services it left. Containers run on. Returns whether anything ran. */
  async function stop() {
    const pids = join(settings.runRoot, 'pids');
    // Started with another BERTH_APART, they have other names.
    const others = existsSync(pids) ? readdirSync(pids).filter((name) => name !== 'supervisor' && !names.includes(name)) : [];
    const processes = ['supervisor', ...others, ...[...names].reverse()].map(running).filter(Boolean);
    for (const identity of processes) {
      if (!isRunning(identity)) continue;
      process.kill(identity.pid, 'SIGTERM');
      for (const deadline = Date.now() + 60_000; isRunning(identity); await pause(20)) {
        if (Date.now() > deadline) throw new SetupError(`process ${identity.pid} does not end`);
      }
    }
    return processes.length > 0;
  }

  function tail(name) {
    const text = existsSync(logFile(name)) ? readFileSync(logFile(name), 'utf8') : '';
    return text.trimEnd().split('\n').slice(-20).map((line) => `  ${readable(line)}`).join('\n');
  }

  return { settings, running, isServing, difference, natsPortHolder, ensureRoots, startSupervisor, untilReady, stop, removeHostTraces };
}

/** A log record as a person reads it; other lines as they are. */
function readable(line) {
  try {
    const { time, level, service, message, stack, ...rest } = JSON.parse(line);
    return [time, level, service, message, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ') + (stack ? `\n${stack}` : '');
  } catch {
    return line;
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

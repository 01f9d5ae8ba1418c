// `npm start`: from a fresh clone to a running engine and a first container; the second time, in seconds.
import { build } from './build.mjs';
import { engineProcesses } from './engine-processes.mjs';
import { exclusively } from './exclusively.mjs';
import { runFirstContainer } from './first-container.mjs';
import { checkCgroups, checkPortIsFree, checkRoom, checkSocketIsFree } from './machine-checks.mjs';
import { ensureNatsServer } from './nats-server.mjs';
import { ensureNpmPackages } from './npm-packages.mjs';
import { commandLine, runScript, SetupError, step } from './progress.mjs';
import { ensureRequirements } from './requirements.mjs';

async function start() {
  commandLine();
  checkCgroups();
  ensureRequirements();
  await ensureNpmPackages();
  await build();
  const engine = await engineProcesses();
  const { settings } = engine;
  await exclusively(`start ${settings.runRoot}`, async () => {
    await stopOther(engine);
    await bringUp(engine);
  });
  const output = await runFirstContainer(settings.socket);
  console.log(`\n${output.trimEnd()}\n`);
  step(`ready at unix://${settings.socket}. Next:
  export DOCKER_HOST=unix://${settings.socket}
  docker run --rm -it busybox sh
  docker ps -a
  npm stop          (containers run on; with "-- --all" they stop too)`);
}

/** Stops an engine that runs other code, or without the settings of this environment: what it was started with, and is not given now, it would lose. */
async function stopOther(engine) {
  const { code, missing, forgotten, elsewhere } = engine.difference() ?? { missing: [], forgotten: [] };
  if (elsewhere && (code || missing.length > 0)) throw new SetupError(`the engine of ${elsewhere} runs with the same run root: stop that one first, or choose another with BERTH_RUN_ROOT and BERTH_DATA_ROOT`);
  if (!code && missing.length === 0) {
    if (forgotten.length > 0) step(`the engine goes on with what it was started with: ${forgotten.join(', ')}`);
    return;
  }
  if (forgotten.length > 0) throw new SetupError(`the engine was started with settings that are not given now: ${forgotten.join(', ')}. Give them again, or stop it first (npm stop; containers run on)`);
  engine.ensureRoots(); // a slip in a setting should end no engine
  step(code ? 'stopping the engine that runs what was built before (containers run on)' : `stopping the engine that runs without ${missing.join(', ')} as given now (containers run on)`);
  await engine.stop();
}

/** Starts the supervisor where none runs, and waits for all services; what does not come up is stopped again. */
async function bringUp(engine) {
  const { settings } = engine;
  let supervisor;
  if (!engine.running('supervisor')) {
    if (!engine.isServing()) {
      await checkSocketIsFree(settings.socket);
      await checkPortIsFree(settings.metricsHost, settings.metricsPort, 'BERTH_METRICS_PORT', settings.user);
      if (settings.tcp) await checkPortIsFree(settings.tcp.host, settings.tcp.port, 'BERTH_TCP', settings.user);
    }
    engine.ensureRoots();
    for (const root of [settings.dataRoot, settings.runRoot]) checkRoom(root);
    if (settings.natsEmbedded && !engine.running('nats')) checkNatsPort(engine);
    const natsServer = settings.natsEmbedded ? await ensureNatsServer(`${settings.dataRoot}/tools`) : undefined;
    step('starting the engine');
    supervisor = engine.startSupervisor(natsServer);
  }
  try {
    await engine.untilReady(supervisor);
  } catch (error) {
    if (supervisor) await engine.stop(); // what does not come up should not go on trying unseen
    throw error;
  }
}

/** Whoever holds it would be taken for nats-server, if services did not look. */
function checkNatsPort({ settings: { natsPort }, natsPortHolder }) {
  const uid = natsPortHolder();
  if (uid !== undefined) throw new SetupError(`port ${natsPort} of 127.0.0.1 is held by a process of uid ${uid}: free it, or choose another with BERTH_NATS_PORT`);
}

await runScript(start);

// `npm stop`: stops the engine. Containers run on, and the next start finds them; `npm stop -- --all` kills them first.
import { demand } from './engine-api.mjs';
import { engineProcesses, isBuilt } from './engine-processes.mjs';
import { commandLine, runScript, SetupError, step } from './progress.mjs';

async function stop() {
  const all = commandLine('--all').has('--all');
  if (!isBuilt()) throw new SetupError('nothing was built here yet, so nothing runs');
  if (process.getuid() !== 0) throw new SetupError('this needs root: run it with sudo, or as root');
  const engine = await engineProcesses();
  if (all) await killContainers(engine);
  step((await engine.stop()) ? 'the engine is stopped' : 'the engine was not running');
  // Nobody needs them now; with containers that run on, they must stay.
  if (all) engine.removeHostTraces();
}

async function killContainers({ settings, isServing }) {
  if (!isServing()) throw new SetupError('--all needs a running engine to ask for its containers: npm start first');
  const containers = JSON.parse(await demand(settings.socket, 'GET', '/containers/json'));
  for (const { Id: id, Names: [name] } of containers) {
    step(`stopping ${name?.slice(1) ?? id}`);
    // stop, not kill: a restart policy must not start it again.
    // One of --rm that has ended by itself is gone meanwhile.
    await demand(settings.socket, 'POST', `/containers/${id}/stop?t=1`, undefined, 404);
  }
}

await runScript(stop);

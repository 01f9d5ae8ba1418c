import { busyboxImageTar } from './busybox-image.mjs';
import { ask, demand, textOfFrames } from './engine-api.mjs';
import { SetupError, step } from './progress.mjs';

const IMAGE = 'hello:latest';

/** Loads the tiny images if they are not there, runs a container of one, removes it, and returns what it printed. */
export async function runFirstContainer(socket) {
  const found = await ask(socket, 'GET', `/images/${IMAGE}/json`);
  if (found.status === 404) {
    step('building a tiny image from this machine\'s busybox');
    const said = (await demand(socket, 'POST', '/images/load?quiet=1', busyboxImageTar())).toString('utf8');
    // Once the answer has begun, a failure can only be told in it.
    if (/"error"/.test(said)) throw new SetupError(`the image could not be loaded: ${said.trim()}`);
  }
  step(`running a first container of ${IMAGE}`);
  const { Id: id } = JSON.parse(await demand(socket, 'POST', '/containers/create', { Image: IMAGE }));
  try {
    await demand(socket, 'POST', `/containers/${id}/start`);
    const { StatusCode: code } = JSON.parse(await demand(socket, 'POST', `/containers/${id}/wait`));
    const output = textOfFrames(await demand(socket, 'GET', `/containers/${id}/logs?stdout=1&stderr=1`));
    if (code !== 0) throw new SetupError(`the first container exited with ${code}: ${output.trim()}`);
    return output;
  } finally {
    await ask(socket, 'DELETE', `/containers/${id}?force=1`);
  }
}

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CreateContainer } from '#contracts/containers/commands.js';
import { HoldImage, type ImageView } from '#contracts/images/images.js';
import type { Bus } from '#libs/messaging/bus.js';
import { isPresent } from '../../domain/container/container-state.js';
import type { ExecRuns } from '../processes/exec-runs.js';
import { ContainerDirectory } from '../names/container-directory.js';
import { NameClaims } from '../names/name-claims.js';
import { StartPhases } from '../lifecycle/start-phases.js';
import { asked, LifecycleWorld } from '../testing/lifecycle-world.js';
import { ContainerCreation } from './create-container.js';

const STEERING = { 'berth.restart': 'unhealthy:3', 'berth.userns': 'private' };

let world: LifecycleWorld;
let claims: NameClaims;
/** Creates a container of an image with such labels, and tells what it is to be. */
let create: (labels: Record<string, string>, ofImage: Record<string, string>) => Promise<object>;

beforeEach(async () => {
  world = await LifecycleWorld.with({});
  const directory = new ContainerDirectory(world.containers, world.names, {} as ExecRuns, '/');
  claims = new NameClaims(world.names, world.containers, directory, (error) => expect.unreachable(String(error)));
  claims.start();
  create = async (Labels, ofImage) => {
    const image = { id: 'sha256:1', repoTags: [], os: 'linux', architecture: 'amd64', variant: '', layers: [], config: { Cmd: ['sh'], Labels: ofImage } } as unknown as ImageView;
    const bus = { request: async (type: unknown) => (type === HoldImage ? image : { position: 0 }) } as unknown as Bus;
    const command = { config: { Image: 'busybox', Labels, Healthcheck: { Test: ['CMD', 'true'] } }, hostConfig: { NetworkMode: 'none' } } as unknown as CreateContainer;
    const { id } = await new ContainerCreation(world.containers, claims, directory, bus, false, new StartPhases()).create(command, asked);
    const { state } = world.containers.get(id);
    if (!isPresent(state)) throw new Error('it was not made');
    const { restartWhenUnhealthy, hostConfig, config } = state.spec;
    return { restartWhenUnhealthy, userns: hostConfig.UsernsMode, labels: config.Labels };
  };
});
afterEach(async () => {
  claims.stop();
  await world.close();
});

test('a label steers the engine where the client gave it, and is data where the image has it', async () => {
  expect(await create({}, STEERING)).toEqual({ restartWhenUnhealthy: undefined, userns: undefined, labels: STEERING });
  expect(await create(STEERING, {})).toMatchObject({ restartWhenUnhealthy: 3, userns: 'private' });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { startWeakenedEngine, type WeakenedEngine } from '../fixtures/weakened-shim.js';
import { describeSwappedPaths } from './swapped-paths.js';
import { attempts, MOUNTS, Secret, startSwapper } from './swapper.js';
import { IN_ROOT } from './weaknesses.js';

/** Of an attack that is a race: as many as it may need. */
const MOST_ROUNDS = 60;

describe('in this engine', () => describeSwappedPaths(6));

/** The working directory needs no proof of its own: it is walked when the host's root is not there any more. */
describe('without resolution below the root', () => {
  let weak: WeakenedEngine;
  beforeAll(async () => {
    weak = await startWeakenedEngine([IN_ROOT]);
  }, patience(300_000));
  afterAll(() => weak?.stop(), patience(180_000));

  test.each(MOUNTS)('%s gets to the host', async (_, args) => {
    using secret = new Secret();
    const before = JSON.stringify(secret.state());
    const isTouched = (): boolean => JSON.stringify(secret.state()) !== before;
    const endSwapper = await startSwapper(weak.engine, secret.directory);
    await attempts(weak.engine, MOST_ROUNDS, args, isTouched);
    await endSwapper();
    await weak.engine.docker(['volume', 'rm', 'shared']);
    expect(isTouched()).toBe(true);
  }, patience(300_000));
});

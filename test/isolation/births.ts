import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { loadPounce, pounceOn } from './pounce.js';

/** Of an exec in a container of this engine nothing is got hold of. A race each: `births` of them. */
export function describeExecBirths(births: number): void {
  describe('in a container of this engine', () => {
    let engine: TestEngine;
    beforeAll(async () => {
      engine = await startEngine();
      await loadPounce(engine);
    }, patience(300_000));
    afterAll(() => engine?.stop(), patience(180_000));

    test('a default container cannot look into an exec that is being born, nor stop it', async () => {
      expect(await pounceOn(engine, { args: ['trace'], births })).toEqual([]);
    }, patience(180_000));

    test('a container that may trace sees no root but its own and no file of the host in an exec that is being born', async () => {
      expect(await pounceOn(engine, { options: ['--cap-add', 'SYS_PTRACE'], births })).toEqual([]);
    }, patience(180_000));
  });
}

/** What only the host has: the engine's data, and a process whose number no container reaches. */
const ofHost = (engine: TestEngine): readonly string[] => [engine.settings.dataRoot, `/${engine.pid('executor')}/comm`];
/** A container that is born among another's processes (`--pid container:X`), in the eyes of X, which may trace. With a sysctl, so that a procfs was in use on the way. */
const joinedBirth = ['run', '--rm', '--network', 'none', '--pid', 'container:pounce', '--sysctl', 'kernel.shmmax=1000000', 'pounce', '/bin/true'];

export const pounceOnJoined = (engine: TestEngine, births: number, until?: (got: readonly string[]) => boolean): Promise<readonly string[]> =>
  pounceOn(engine, { options: ['--cap-add', 'SYS_PTRACE'], args: ['for', ...ofHost(engine)], birth: joinedBirth, births, ...(until ? { until } : {}) });

export function describeJoinedBirths(births: number): void {
  describe.each([
    ['of this engine', {}],
    ['in a user namespace', { BERTH_USERNS_REMAP: 'games' }],
  ])('in a container %s', (_, environment) => {
    let given: Disposable;
    let engine: TestEngine;
    beforeAll(async () => {
      given = giveSubordinateIds({ games: '1100000:65536' });
      engine = await startEngine(environment);
      await loadPounce(engine);
    }, patience(300_000));
    afterAll(async () => {
      given[Symbol.dispose]();
      await engine?.stop();
    }, patience(180_000));

    test('nothing of the host is seen in a container that is born among its processes', async () => {
      expect(readFileSync(`/proc/${engine.pid('executor')}/comm`, 'utf8')).not.toBe('');
      expect(await pounceOnJoined(engine, births)).toEqual([]);
    }, patience(180_000));
  });
}

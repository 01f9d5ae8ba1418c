import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { startWeakenedEngine, type WeakenedEngine } from '../fixtures/weakened-shim.js';
import { tarOf } from '../fixtures/image-archive.js';
import { attempts, MOUNTS, Secret, startPlanter, startSwapper } from './swapper.js';
import { IN_ROOT } from './weaknesses.js';

const ROUNDS = 6;
/** Of an attack that is a race: as many as it may need. */
const MOST_ROUNDS = 60;

describe('paths that are exchanged while this engine walks them', () => {
  const secret = new Secret();
  const before = secret.state();
  let engine: TestEngine;
  let endSwapper: () => Promise<void>;
  beforeAll(async () => {
    engine = await startEngine();
    endSwapper = await startSwapper(engine, secret.directory);
  }, 120_000);
  afterAll(async () => {
    await endSwapper();
    await engine.stop();
    secret[Symbol.dispose]();
  }, 60_000);

  test.each([
    ...MOUNTS,
    ['a directory that a bind makes there', (round: number, { settings }: TestEngine) => ['run', '--rm', '--network', 'none', '-v', `${settings.dataRoot}/volumes/shared/_data/way/inner/made-${round}:/part`, 'swap', 'ls', '/part/..']] as const,
    ['a device there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '--device', `/dev/null:/data/way/inner/null-${round}`, 'swap', 'cat', '/data/way/inner/file']] as const,
    ['a working directory there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-w', `/data/way/inner/work-${round}`, 'swap', 'sh', '-c', 'cat file; ls ..']] as const,
  ])('%s touches nothing of the host', async (_, args) => {
    expect(await attempts(engine, ROUNDS, args)).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
  }, 60_000);

  test('a container that does not run has its mounts there looked into', async () => {
    const mounts = ['-v', 'shared:/data', '-v', 'other:/data/way/inner/held', '--mount', 'type=volume,src=shared,dst=/part,volume-subpath=way'];
    // Refused while the part leads out.
    await expect.poll(async () => (await engine.docker(['create', '--name', 'held', ...mounts, 'swap'])).code).toBe(0);
    expect(await attempts(engine, ROUNDS, (round) => ['cp', `held:/${round % 2 ? 'part' : 'data/way'}/inner/file`, '-'])).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
    expect(await engine.docker(['rm', 'held'])).toMatchObject({ code: 0 });
  }, 60_000);

  test('a command executed in a directory that is exchanged stays in the container', async () => {
    await engine.docker(['exec', 'swapper', 'mkdir', '-p', '/shared/way/inner']);
    expect(await attempts(engine, ROUNDS, () => ['exec', '-w', '/shared/way/inner', 'swapper', 'sh', '-c', 'cat file; ls; pwd'])).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
  }, 60_000);
});

test('what an archive holds keeps its owner and mode to itself, whatever a container puts in its place', async () => {
  using secret = new Secret();
  const before = secret.state();
  const engine = await startEngine();
  try {
    const endPlanter = await startPlanter(engine, join(secret.directory, 'inner/file'));
    const archive = await tarOf(Array.from({ length: 2_000 }, () => ({ path: 'way', type: 'fifo', mode: 0o4777, uid: 1234 }) as const));
    for (let round = 0; round < ROUNDS; round++) await put(engine, '/containers/planter/archive?path=/shared', archive);
    await endPlanter();
    expect(secret.state()).toEqual(before);
  } finally {
    await engine.stop();
  }
}, 120_000);

/** Its outcome is open: what is written is taken away meanwhile. */
async function put(engine: TestEngine, path: string, archive: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method: 'PUT', path, headers: { 'Content-Type': 'application/x-tar', 'Content-Length': archive.length } }, (answer) => answer.resume().on('end', resolve));
    call.on('error', reject).end(archive);
  });
}

/** The working directory needs no proof of its own: it is walked when the host's root is not there any more. */
describe('without resolution below the root', () => {
  let weak: WeakenedEngine;
  beforeAll(async () => {
    weak = await startWeakenedEngine([IN_ROOT]);
  }, 120_000);
  afterAll(() => weak?.stop(), 60_000);

  test.each(MOUNTS)('%s gets to the host', async (_, args) => {
    using secret = new Secret();
    const before = JSON.stringify(secret.state());
    const isTouched = (): boolean => JSON.stringify(secret.state()) !== before;
    const endSwapper = await startSwapper(weak.engine, secret.directory);
    await attempts(weak.engine, MOST_ROUNDS, args, isTouched);
    await endSwapper();
    await weak.engine.docker(['volume', 'rm', 'shared']);
    expect(isTouched()).toBe(true);
  }, 120_000);
});

import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { tarOf } from '../fixtures/image-archive.js';
import { attempts, MOUNTS, Secret, startPlanter, startSwapper } from './swapper.js';

/** Paths that a container exchanges while this engine walks them. A race each: `rounds` of them. */
export function describeSwappedPaths(rounds: number): void {
  const secret = new Secret();
  let before: unknown;
  let engine: TestEngine;
  let endSwapper: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    before = secret.state();
    engine = await startEngine();
    endSwapper = await startSwapper(engine, secret.directory);
  }, patience(300_000));
  afterAll(async () => {
    await endSwapper?.();
    await engine?.stop();
    secret[Symbol.dispose]();
  }, patience(180_000));

  test.each([
    ...MOUNTS,
    ['a directory that a bind makes there', (round: number, { settings }: TestEngine) => ['run', '--rm', '--network', 'none', '-v', `${settings.dataRoot}/volumes/shared/_data/way/inner/made-${round}:/part`, 'swap', 'ls', '/part/..']] as const,
    ['a device there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '--device', `/dev/null:/data/way/inner/null-${round}`, 'swap', 'cat', '/data/way/inner/file']] as const,
    ['a working directory there', (round: number) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-w', `/data/way/inner/work-${round}`, 'swap', 'sh', '-c', 'cat file; ls ..']] as const,
  ])('%s touches nothing of the host', async (_, args) => {
    expect(await attempts(engine, rounds, args)).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
  }, patience(180_000));

  test('a container that does not run has its mounts there looked into', async () => {
    const mounts = ['-v', 'shared:/data', '-v', 'other:/data/way/inner/held', '--mount', 'type=volume,src=shared,dst=/part,volume-subpath=way'];
    // Refused while the part leads out.
    await expect.poll(async () => (await engine.docker(['create', '--name', 'held', ...mounts, 'swap'])).code).toBe(0);
    expect(await attempts(engine, rounds, (round) => ['cp', `held:/${round % 2 ? 'part' : 'data/way'}/inner/file`, '-'])).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
    expect(await engine.docker(['rm', 'held'])).toMatchObject({ code: 0 });
  }, patience(180_000));

  test('a command executed in a directory that is exchanged stays in the container', async () => {
    await engine.docker(['exec', 'swapper', 'mkdir', '-p', '/shared/way/inner']);
    expect(await attempts(engine, rounds, () => ['exec', '-w', '/shared/way/inner', 'swapper', 'sh', '-c', 'cat file; ls; pwd'])).not.toContain('secret\n');
    expect(secret.state()).toEqual(before);
  }, patience(180_000));

  test('what an archive holds keeps its owner and mode to itself, whatever a container puts in its place', async () => {
    await endSwapper?.();
    endSwapper = undefined;
    await engine.docker(['volume', 'rm', 'shared']);
    const endPlanter = await startPlanter(engine, join(secret.directory, 'inner/file'));
    const archive = await tarOf(Array.from({ length: 2_000 }, () => ({ path: 'way', type: 'fifo', mode: 0o4777, uid: 1234 }) as const));
    for (let round = 0; round < rounds; round++) await put(engine, '/containers/planter/archive?path=/shared', archive);
    await endPlanter();
    expect(secret.state()).toEqual(before);
  }, patience(300_000));
}

/** Its outcome is open: what is written is taken away meanwhile. */
async function put(engine: TestEngine, path: string, archive: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method: 'PUT', path, headers: { 'Content-Type': 'application/x-tar', 'Content-Length': archive.length } }, (answer) => answer.resume().on('end', resolve));
    call.on('error', reject).end(archive);
  });
}

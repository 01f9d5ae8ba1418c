import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { clientProgram, runClient } from './clients.js';

const PROJECT = new URL('../../../test/clients/project/', import.meta.url);
const program = await clientProgram('docker-compose');

/** A project's life; `plain`: from up to down. */
export function describeCompose(depth: 'plain' | 'whole'): void {
  let engine: TestEngine;
  let file: string;

  beforeAll(async () => {
    if (program === undefined) return;
    engine = await startEngine();
    await engine.loadBusybox();
    const folder = join(engine.settings.dataRoot, 'harbour');
    cpSync(PROJECT, folder, { recursive: true });
    file = join(folder, 'docker-compose.yml');
  }, patience(120_000));

  afterAll(async () => {
    await engine?.stop();
  }, patience(60_000));

  const compose = (...args: string[]): Promise<CliResult> => runClient(engine, program ?? '', ['--project-name', 'harbour', '--file', file, '--ansi', 'never', ...args]);
  /** Its output, which is all that matters once it has succeeded. */
  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, code } = await compose(...args);
    expect(code, stderr).toBe(0);
    return stdout;
  }
  const state = async (): Promise<string[]> => (await engine.docker(['ps', '-a', '--format', '{{.Label "com.docker.compose.service"}} {{.State}}'])).stdout.trim().split('\n').toSorted();
  const idOf = async (service: string): Promise<string> => (await succeeds('ps', '-q', service)).trim();

  test.skipIf(program !== undefined)('Debian 12\'s docker-compose cannot be had here: it is left out', () => undefined);

  test.skipIf(program === undefined)('up -d starts services in the order of what they depend on, once each is healthy', async () => {
    await succeeds('up', '-d');
    expect(await state()).toEqual(['store running', 'web running', 'worker running']);
    const started = (await engine.docker(['inspect', '--format', '{{index .Config.Labels "com.docker.compose.service"}} {{.State.StartedAt}}', ...(await succeeds('ps', '-q')).trim().split('\n')])).stdout.trim().split('\n');
    const order = started.map((line) => line.split(' ')).toSorted(([, one = ''], [, other = '']) => (one < other ? -1 : 1));
    expect(order.map(([service]) => service)).toEqual(['store', 'web', 'worker']);
    expect((await engine.docker(['inspect', '--format', '{{.State.Health.Status}}', await idOf('store')])).stdout).toBe('healthy\n');
    expect((await engine.docker(['volume', 'inspect', '--format', '{{index .Labels "kind"}}', 'harbour_hold'])).stdout).toBe('cargo\n');
  }, patience(240_000));

  test.skipIf(program === undefined)('what runs is listed, logged, entered and reached', async () => {
    expect(await succeeds('ps')).toMatch(/harbour[_-]web[_-]1 .*Up.*127\.0\.0\.1:\d+->80\/tcp/);
    expect(await succeeds('logs', 'store', 'worker')).toMatch(/store.*\| store is up[^]*worker.*\| working as|worker.*\| working as[^]*store.*\| store is up/);
    expect(await succeeds('exec', '-T', 'web', 'sh', '-c', 'echo $CREW; cat /data/cargo')).toBe('12\nstored\n');
    expect((await compose('exec', '-T', 'store', 'sh', '-c', 'cat /chart; exit 5'))).toMatchObject({ stdout: 'here be dragons\n', code: 5 });
    const address = (await succeeds('port', 'web', '80')).trim();
    expect(await (await fetch(`http://${address}/cargo`)).text()).toBe('stored\n');
    expect(await succeeds('top', 'worker')).toContain('sleep 3600');
    expect(await succeeds('run', '--rm', '-T', 'tool', 'cat', '/data/cargo')).toBe('stored\n');
    expect((await compose('run', '--rm', '-T', 'tool', 'sh', '-c', 'exit 3')).code).toBe(3);
  }, patience(240_000));

  if (depth === 'whole') {
    test.skipIf(program === undefined)('up again changes only what was changed, and volumes stay', async () => {
      const [store, web] = [await idOf('store'), await idOf('web')];
      await succeeds('up', '-d');
      expect([await idOf('store'), await idOf('web')]).toEqual([store, web]);
      writeFileSync(file, readFileSync(file, 'utf8').replace('CREW: "12"', 'CREW: "13"'));
      await succeeds('up', '-d');
      expect(await idOf('store')).toBe(store);
      expect(await idOf('web')).not.toBe(web);
      expect(await succeeds('exec', '-T', 'web', 'sh', '-c', 'echo $CREW; cat /data/cargo')).toBe('13\nstored\n');
    }, patience(240_000));

    test.skipIf(program === undefined)('services pause, stop, start, restart and are killed', async () => {
      await succeeds('pause', 'worker');
      expect(await state()).toContain('worker paused');
      await succeeds('unpause', 'worker');
      await succeeds('stop', 'store');
      expect(await state()).toContain('store exited');
      await succeeds('start', 'store');
      await succeeds('restart', '-t', '1', 'store');
      await succeeds('kill', 'worker');
      expect(await state()).toEqual(['store running', 'web running', 'worker exited']);
    }, patience(240_000));
  }

  test.skipIf(program === undefined)('down removes containers, and with -v volumes', async () => {
    await succeeds('down', '-t', '1');
    expect((await engine.docker(['ps', '-aq'])).stdout).toBe('');
    expect((await engine.docker(['volume', 'ls', '-q'])).stdout).toBe('harbour_hold\n');
    await succeeds('down', '-v');
    expect((await engine.docker(['volume', 'ls', '-q'])).stdout).toBe('');
  }, patience(240_000));
}

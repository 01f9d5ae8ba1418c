import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { berthOf } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { openLog } from '../engine/operator-log.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  await engine.docker(['run', '-d', '--name', 'there', 'busybox', 'sleep', '1000']);
});
afterAll(() => engine?.stop());

const DOCKER = process.env['BERTH_DOCKER_CLI'] ?? 'docker';
interface Plan {
  readonly refused: boolean;
  readonly requests: readonly { readonly path: string; readonly events: readonly { readonly type: string; readonly data: Record<string, unknown> }[]; readonly undecided?: true; readonly refused?: string }[];
}

/** What is planned, after seeing that nothing came of it. */
async function planned(...words: string[]): Promise<{ code: number; plan: Plan }> {
  const before = await position();
  const { stdout, stderr, code } = await berthOf(engine, ['plan', '--json', '--', DOCKER, ...words], { HOME: engine.settings.dataRoot });
  expect(stderr).toBe('');
  expect(await position()).toBe(before);
  return { code, plan: JSON.parse(stdout) as Plan };
}

async function position(): Promise<number> {
  const store = await openLog(engine.settings);
  try {
    return await store.lastPosition();
  } finally {
    await store.close();
  }
}

test.each([[['run', '-d']], [['run', '--rm']], [['run', '-i']], [['run', '-it']], [['run', '--rm', '-t']]])('docker %s is planned whole, as the client would ask for it', async (run) => {
  const { code, plan } = await planned(...run, '--name', 'web', '-p', '8080:80', '-v', '/data', '-e', 'A=b', 'busybox', 'sleep', '9');
  expect(code).toBe(0);
  const [create, ...then] = plan.requests;
  expect(create?.path).toBe('/containers/create');
  expect(create?.events.map(({ type }) => type)).toEqual(['NameClaimed', 'VolumeCreated', 'ContainerCreated']);
  expect(create?.events[2]?.data).toMatchObject({ name: 'web', args: ['9'], hostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } });
  expect(then.some(({ path, undecided }) => path.endsWith('/start') && undecided)).toBe(true);
  expect(then.filter(({ path }) => /wait|resize/.test(path))).toEqual([]);
});

test('a plan for a person says what would be appended to what', async () => {
  const { stdout, code } = await berthOf(engine, ['plan', '--', DOCKER, 'rm', '-f', 'there'], { HOME: engine.settings.dataRoot });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^DELETE \/containers\/there\nEVENT +OF +DETAILS\nRemoveRequested +container [0-9a-f]{12} .*\nContainerRemoved .*\nNameReleased +name there +name=there\n$/);
});

test('a command line that names another engine, or this one by its socket, is not run', async () => {
  for (const words of [['-H', `unix://${engine.socket}`], [`--host=unix://${engine.socket}`], ['-c', 'default'], ['--context=default']]) expect(await planned(...words, 'rm', '-f', 'there')).toEqual({ code: 1, plan: { requests: [], refused: true } });
  expect((await engine.docker(['ps', '-q', '-f', 'name=there'])).stdout).not.toBe('');
});
test('a read of which the log would tell is planned, too, and leaves no file', async () => {
  const file = join(engine.settings.dataRoot, 'saved.tar');
  const reads: readonly (readonly [words: readonly string[], type: string])[] = [
    [['top', 'there'], 'ProcessesListed'],
    [['export', '-o', file, 'there'], 'ContainerExported'],
    [['cp', 'there:/bin/busybox', file], 'ArchiveRead'],
    [['save', '-o', file, 'busybox'], 'ImageSaved'],
  ];
  for (const [words, type] of reads) expect(await planned(...words), words[0]).toMatchObject({ code: 0, plan: { refused: false, requests: [{ events: [{ type }] }] } });
  expect(existsSync(file)).toBe(false);
  expect(await planned('top', 'nobody')).toMatchObject({ code: 1, plan: { requests: [{ refused: 'No such container: nobody' }] } });
  expect(await planned('cp', 'there:/nowhere', file)).toMatchObject({ code: 1 });
});

test('what would be refused is told, with exit code 1', async () => {
  expect(await planned('rm', 'there')).toMatchObject({ code: 1, plan: { refused: true, requests: [{ path: '/containers/there', refused: expect.stringContaining('container is running') }] } });
  expect(await planned('stop', 'nobody')).toMatchObject({ code: 1, plan: { refused: true } });
});

test('what changes nothing is told; a plan of no docker command is a wrong usage', async () => {
  expect(await planned('ps')).toEqual({ code: 0, plan: { requests: [], refused: false } });
  expect((await berthOf(engine, ['plan', '--', 'ls'])).code).toBe(2);
  expect((await berthOf(engine, ['plan', '--', '/nowhere/docker', 'ps'])).code).toBe(1);
});

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { imageArchive, sha256, shellTree, tarOf } from '../fixtures/image-archive.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
}, patience(120_000));

afterEach(async () => {
  const ids = (await docker('images', '-aq')).stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker('rmi', '-f', ...new Set(ids));
});

afterAll(async () => {
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const load = (archive: Uint8Array): Promise<CliResult> => engine.docker(['load'], archive);
const idOf = async (image: string): Promise<string> => (await docker('image', 'inspect', '--format', '{{.Id}}', image)).stdout.trim();
const word = (text: string): Promise<Buffer> => tarOf([...shellTree(), { path: 'word', body: Buffer.from(`${text}\n`) }]);

test('what is loaded is told by its tag, also the second time, and runs', async () => {
  const archive = await imageArchive({ tag: 'app', layers: [await word('loaded')], config: { Cmd: ['cat', '/word'] } });
  expect(await load(archive)).toMatchObject({ code: 0, stdout: 'Loaded image: app:latest\n', stderr: '' });
  expect(await load(gzipSync(archive))).toMatchObject({ code: 0, stdout: 'Loaded image: app:latest\n', stderr: '' });
  expect(await docker('run', '--rm', 'app')).toMatchObject({ code: 0, stdout: 'loaded\n' });
});

test('a tag that another image has moves, and says from where', async () => {
  await load(await imageArchive({ tag: 'app', layers: [await word('old')] }));
  const old = await idOf('app');
  const second = await load(await imageArchive({ tag: 'app', layers: [await word('new')] }));
  expect(second.stdout).toBe(`The image app:latest already exists, renaming the old one with ID ${old} to empty string\nLoaded image: app:latest\n`);
  expect((await docker('images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', 'dangling=true')).stdout).toBe('<none>:<none>\n');
  expect(await idOf('app')).not.toBe(old);
});

test('a layer that is there already does not vouch for an archive that claims it', async () => {
  const sound = await word('sound');
  await load(await imageArchive({ tag: 'sound', layers: [sound] }));
  const forged = await load(await imageArchive({ tag: 'forged', layers: [gzipSync(await word('forged'))], diffIds: [sha256(sound)] }));
  expect(forged).toMatchObject({ code: 1, stderr: expect.stringContaining(`not the sha256:${sha256(sound)} that the image says`) as string });
  expect((await docker('images', '-q')).stdout.trim().split('\n')).toHaveLength(1);
});

test('a name in an archive has to have its tag', async () => {
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }));
  const archive = await tarOf([
    { path: 'config.json', body: config },
    { path: 'manifest.json', body: Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: ['app'], Layers: [] }])) },
  ]);
  expect(await load(archive)).toMatchObject({ code: 1, stderr: expect.stringContaining('invalid tag "app"') as string });
});

test('what is saved loads again, with all its names, and is the same image', async () => {
  await load(await imageArchive({ tag: 'app', layers: [await word('saved')], config: { Cmd: ['cat', '/word'] } }));
  await docker('tag', 'app', 'harbour.example:5000/app:v2');
  const id = await idOf('app');
  const file = join(engine.settings.dataRoot, 'saved.tar');
  expect(await docker('save', '-o', file, 'app', 'harbour.example:5000/app:v2')).toMatchObject({ code: 0 });
  expect(await docker('rmi', '-f', id)).toMatchObject({ code: 0 });
  expect((await docker('load', '-i', file)).stdout.split('\n').toSorted()).toEqual(['', 'Loaded image: app:latest', 'Loaded image: harbour.example:5000/app:v2']);
  expect([await idOf('app:latest'), await idOf('harbour.example:5000/app:v2')]).toEqual([id, id]);
  expect(await docker('run', '--rm', 'app')).toMatchObject({ stdout: 'saved\n' });
});

test('an imported tree is an image of one layer, with the changes asked for', async () => {
  const file = join(engine.settings.dataRoot, 'tree.tar');
  writeFileSync(file, await word('imported'));
  const imported = await docker('import', '--change', 'CMD ["cat", "/word"]', '--change', 'ENV PATH=/bin', '--message', 'of a tree', file, 'tree:1');
  expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) as string });
  expect(await docker('run', '--rm', 'tree:1')).toMatchObject({ code: 0, stdout: 'imported\n' });
  expect((await docker('history', '--format', '{{.Comment}}', 'tree:1')).stdout).toBe('of a tree\n');
  await docker('import', '--platform', 'linux/arm64', file, 'tree:arm');
  expect((await docker('image', 'inspect', '--format', '{{.Os}}/{{.Architecture}}', 'tree:arm')).stdout).toBe('linux/arm64\n');
  expect((await docker('import', '--platform', 'linux/a/b/c', file)).stderr).toContain('"linux/a/b/c": cannot parse platform specifier: invalid argument');
});

test('an archive that is compressed with xz is imported, and of one that is cut short that is told', async () => {
  const whole = execFileSync('xz', ['--fast', '--stdout'], { input: await word('packed') });
  const file = join(engine.settings.dataRoot, 'tree.tar.xz');
  writeFileSync(file, whole);
  expect(await docker('import', file, 'packed')).toMatchObject({ code: 0, stderr: '' });
  writeFileSync(file, whole.subarray(0, -20));
  expect((await docker('import', file)).stderr).toContain('xz: (stdin): Unexpected end of input');
});

test('what is done to images, and each prune, is told as dockerd tells it', async () => {
  const [since, named] = [String(Date.now() / 1000), new Map<string, string>()];
  for (const [name, text] of [['app', 'one'], ['other', 'two']] as const) {
    await load(await imageArchive({ tag: name, layers: [await word(text)] }));
    named.set(await idOf(name), name);
  }
  const saved = join(engine.settings.dataRoot, 'saved.tar');
  await docker('save', '-o', saved, 'app', 'other');
  await docker('load', '-i', saved);
  await docker('tag', 'app', 'x');
  await docker('tag', 'app', 'x');
  await docker('tag', 'other', 'x');
  await docker('rmi', 'other');
  for (const kind of ['container', 'image', 'volume', 'network', 'builder']) expect(await docker(kind, 'prune', '--force')).toMatchObject({ code: 0 });
  await docker('image', 'prune', '--force', '--all');
  const told = await docker('events', '--since', since, '--until', String(Date.now() / 1000), '--format', '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Actor.Attributes.reclaimed}}');
  const short = told.stdout.replaceAll('<no value>', '').replace(/sha256:[0-9a-f]{64}/g, (id) => named.get(id) ?? id);
  const lines = short.trimEnd().split('\n').map((line) => line.trimEnd());
  expect(lines.slice(0, -5)).toEqual([
    'image load app app', 'image load other other', 'image save app app', 'image save other other', 'image load app app', 'image load other other',
    'image tag app x:latest', 'image tag app x:latest', 'image tag other x:latest', 'image untag other other',
    expect.stringMatching(/^container prune {3}\d+$/), 'image prune   0', 'volume prune   0', 'network prune   0', 'builder prune   0',
  ]);
  expect(lines.slice(-5)).toEqual(expect.arrayContaining(['image untag app app', 'image delete app app', 'image untag other other', 'image delete other other']));
  expect(lines.at(-1)).toMatch(/^image prune {3}[1-9]\d+$/);
});

test('an image goes with its last name, and what only it had with it', async () => {
  await load(await imageArchive({ tag: 'app', layers: [await word('named')] }));
  const id = await idOf('app');
  await docker('tag', 'app', 'app:two');
  expect(await docker('tag', 'app', 'sha256:aa')).toMatchObject({ code: 1, stderr: expect.stringContaining('refusing to create an ambiguous tag using digest algorithm as name') as string });
  expect(await docker('rmi', id)).toMatchObject({ code: 1, stderr: expect.stringContaining('(must be forced) - image is referenced in multiple repositories') as string });
  expect((await docker('images', 'app:two', '--format', '{{.Repository}}:{{.Tag}}')).stdout).toBe('app:two\n');
  expect(await docker('rmi', 'app')).toMatchObject({ code: 0, stdout: 'Untagged: app:latest\n' });
  const last = await docker('rmi', 'app:two');
  expect(last.stdout.split('\n')).toEqual(['Untagged: app:two', `Deleted: ${id}`, expect.stringMatching(/^Deleted: sha256:/), '']);
  expect(await docker('rmi', 'app')).toMatchObject({ code: 1, stderr: expect.stringContaining('No such image: app:latest') as string });
});

test('the history of an image tells its steps with the bytes of each', async () => {
  const layers = [await word('first'), await tarOf([{ path: 'more', body: Buffer.alloc(1234) }])];
  const rawConfig = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      created: '2025-01-01T00:00:00Z',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
      history: [{ created_by: 'ADD word' }, { created_by: 'ENV A=B', empty_layer: true }, { created_by: 'COPY more' }],
    }),
  );
  await load(await imageArchive({ tag: 'steps', layers, rawConfig }));
  const history = (await docker('history', '--human=false', '--no-trunc', '--format', '{{.CreatedBy}} {{.Size}}', 'steps')).stdout.trim().split('\n');
  expect(history.slice(0, 2)).toEqual(['COPY more 1234', 'ENV A=B 0']);
  expect(history[2]).toMatch(/^ADD word [1-9]\d{5,}$/);
});

test('an image of more layers than one page of mount options has room for is looked into like any other', async () => {
  const layers = [await tarOf(shellTree())];
  for (let number = 0; number < 155; number++) layers.push(await tarOf([{ path: `data/${number}`, body: Buffer.from(`of ${number}`) }]));
  await engine.docker(['load', '-q'], await imageArchive({ tag: 'many', layers }));
  expect(await docker('run', '--name', 'many', '--network', 'none', '-v', 'filled:/data', 'many', 'sh', '-c', 'echo new > /new; cat /data/0 /data/154')).toMatchObject({ code: 0, stdout: 'of 0of 154', stderr: '' });
  expect(await docker('diff', 'many')).toMatchObject({ code: 0, stdout: 'A /new\n' });
  expect(await docker('cp', 'many:/new', '-')).toMatchObject({ code: 0, stdout: expect.stringContaining('new') });
  expect(await docker('commit', 'many', 'more')).toMatchObject({ code: 0 });
  expect(await docker('run', '--rm', '--network', 'none', 'more', 'cat', '/new', '/data/7')).toMatchObject({ code: 0, stdout: 'new\nof 7' });
  await docker('rm', 'many');
  await docker('rmi', 'many', 'more');
  await docker('volume', 'rm', 'filled');
}, patience(60_000));

test('a container is listed by the image it runs, also when its name has become another image\'s', async () => {
  await load(await imageArchive({ tag: 'app', layers: [await word('old')] }));
  const old = await idOf('app');
  await docker('create', '--name', 'of-old', 'app');
  expect((await docker('ps', '-a', '--format', '{{.Image}}')).stdout).toBe('app\n');
  await load(await imageArchive({ tag: 'app', layers: [await word('new')] }));
  expect((await docker('ps', '-a', '--format', '{{.Image}}')).stdout).toBe(`${old.slice(7, 19)}\n`);
  const of = async (image: string): Promise<string> => (await docker('ps', '-a', '--filter', `ancestor=${image}`, '--format', '{{.Names}}')).stdout;
  expect([await of('app'), await of(old), await of('nothing')]).toEqual(['', 'of-old\n', '']);
  await docker('rm', 'of-old');
});

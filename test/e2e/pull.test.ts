import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CertificateAuthority } from '../fixtures/certificates.js';
import { type Account, type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.js';
import { imageArchive, sha256, shellTree } from '../fixtures/image-archive.js';
import { imageIndex, registryImage, type RegistryImage } from '../fixtures/registry-image.js';
import { berthOf } from '../engine/berth-commands.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

const ACCOUNT: Account = { user: 'sinbad', password: 'open sesame', htpasswd: 'sinbad:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy' };
const OTHER = process.arch === 'arm64' ? 'amd64' : 'arm64';
const OWN = process.arch === 'arm64' ? 'arm64' : 'amd64';

let engine: TestEngine;
let registry: DockerRegistry;
let locked: DockerRegistry;

beforeAll(async () => {
  [engine, registry, locked] = await Promise.all([startEngine(), startDockerRegistry(), startDockerRegistry(ACCOUNT)]);
}, patience(120_000));

afterAll(async () => {
  await engine?.stop();
  await registry?.stop();
  await locked?.stop();
}, patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const inspect = async (image: string, format: string): Promise<string> => (await docker('image', 'inspect', '--format', format, image)).stdout.trim();

async function push(to: DockerRegistry, repository: string, image: RegistryImage, tag?: string): Promise<string> {
  for (const blob of [image.config, ...image.layers]) await to.putBlob(repository, blob);
  return await to.putManifest(repository, image.manifest, tag);
}

/** Blobs, layers and what is half done, of this engine. */
function kept(): readonly string[] {
  const { dataRoot } = engine.settings;
  return ['content/blobs/sha256', 'content/ingest', 'layers', 'layers/.facts'].flatMap((folder) => readdirSync(join(dataRoot, folder)).map((name) => `${folder}/${name}`)).toSorted();
}

test('an image of OCI is pulled by tag with the progress that people know, and is up to date the second time', async () => {
  const image = await registryImage('tagged');
  const digest = await push(registry, 'sea/tagged', image, 'v1');
  const name = `${registry.host}/sea/tagged:v1`;
  const pull = await docker('pull', name);
  expect(pull).toMatchObject({ code: 0, stderr: '' });
  const lines = pull.stdout.trim().split('\n');
  const short = image.layers.map((layer) => sha256(layer).slice(0, 12));
  expect(lines[0]).toBe('v1: Pulling from sea/tagged');
  for (const id of short) for (const step of ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete']) expect(lines).toContain(`${id}: ${step}`);
  expect(lines.slice(-3)).toEqual([`Digest: ${digest}`, `Status: Downloaded newer image for ${name}`, name]);
  expect(await inspect(name, '{{.Id}} {{.RepoTags}} {{.RepoDigests}}')).toBe(`${image.id} [${name}] [${registry.host}/sea/tagged@${digest}]`);
  expect((await docker('pull', name)).stdout).toBe(`v1: Pulling from sea/tagged\nDigest: ${digest}\nStatus: Image is up to date for ${name}\n${name}\n`);
});

test('a dry pull tells what would be on the log and which layers are missing, and fetches none', async () => {
  const [there, image] = [await registryImage('there'), await registryImage('planned')];
  for (const [tag, one] of [['there', there], ['wanted', image]] as const) await push(registry, 'sea/planned', one, tag);
  await docker('pull', '-q', `${registry.host}/sea/planned:there`);
  const [before, asked] = [kept(), async (tag: string) => await http(engine.socket, 'POST', `/images/create?fromImage=${registry.host}/sea/planned&tag=${tag}&dryRun=1`)];
  interface Planned {
    readonly events: readonly { readonly type: string; readonly data: { readonly reference?: string; readonly layers?: readonly { readonly digest: string; readonly sizeBytes: number; readonly unpackedBytes?: number }[] } }[];
  }
  const { status, text } = await asked('wanted');
  const { events } = JSON.parse(text) as Planned;
  expect({ status, types: events.map(({ type }) => type) }).toEqual({ status: 200, types: ['ImageAdded', 'ImageTagged', 'DigestRecorded'] });
  expect(events[1]?.data.reference).toBe(`${registry.host}/sea/planned:wanted`);
  const shared = new Set(there.layers.map((layer) => `sha256:${sha256(layer)}`));
  expect(events[0]?.data.layers?.map(({ digest }) => digest)).toEqual(image.layers.map((layer) => `sha256:${sha256(layer)}`));
  for (const { digest, sizeBytes, unpackedBytes } of events[0]?.data.layers ?? []) expect([digest, sizeBytes > 0, unpackedBytes !== undefined]).toEqual([digest, true, shared.has(digest)]);
  const { stdout } = await berthOf(engine, ['plan', '--', process.env['BERTH_DOCKER_CLI'] ?? 'docker', 'pull', `${registry.host}/sea/planned:wanted`], { HOME: engine.settings.dataRoot });
  const missing = image.layers.filter((layer) => !shared.has(`sha256:${sha256(layer)}`));
  expect(stdout).toContain(`${missing.length} of ${image.layers.length} layers would be fetched: ${missing.reduce((bytes, layer) => bytes + layer.length, 0)} bytes\n`);
  const run = await berthOf(engine, ['plan', '--', process.env['BERTH_DOCKER_CLI'] ?? 'docker', 'run', '-d', `${registry.host}/sea/planned:wanted`, 'true'], { HOME: engine.settings.dataRoot });
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout.match(/^(POST|DELETE|PUT) .*$/gm)).toEqual(expect.arrayContaining(['POST /images/create', 'POST /containers/create', expect.stringMatching(/^POST \/containers\/[0-9a-f]{64}\/start$/)]));
  expect(run.stdout).toMatch(/^POST \/containers\/create\nfollows; what comes of it is decided when the above is there$/m);
  expect(kept()).toEqual(before);
  expect(JSON.parse((await asked('there')).text)).toEqual({ events: [expect.objectContaining({ type: 'ImagePulled' })] });
  expect(await asked('nowhere')).toMatchObject({ status: 404, text: expect.stringContaining('not found: manifest unknown') as string });
  // What is promised comes.
  await docker('pull', '-q', `${registry.host}/sea/planned:wanted`);
  expect(await inspect(`${registry.host}/sea/planned:wanted`, '{{.Id}}')).toBe(image.id);
});

test('an image of Docker\'s schema 2 is pulled by digest alone, and has no tag', async () => {
  const image = await registryImage('by digest', 'docker');
  const digest = await push(registry, 'sea/schema2', image);
  const name = `${registry.host}/sea/schema2@${digest}`;
  expect(await docker('pull', '--quiet', name)).toMatchObject({ code: 0, stdout: `${name}\n`, stderr: '' });
  expect(await inspect(name, '{{.Id}} {{.RepoTags}}')).toBe(`${image.id} []`);
  expect(await docker('run', '--rm', name)).toMatchObject({ code: 0, stdout: 'by digest\n' });
});

test('of an index comes the image of this machine\'s platform, or of the one asked for', async () => {
  const [own, other] = [await registryImage('own', 'oci', OWN), await registryImage('other', 'oci', OTHER)];
  for (const image of [own, other]) await push(registry, 'sea/both', image);
  const index = await registry.putManifest('sea/both', imageIndex({ [`linux/${OTHER}`]: other, [`linux/${OWN}`]: own }), 'latest');
  const name = `${registry.host}/sea/both`;
  expect((await docker('pull', name)).stdout).toContain(`Digest: ${index}\n`);
  expect(await inspect(name, '{{.Id}} {{.Architecture}}')).toBe(`${own.id} ${OWN}`);
  expect(await docker('pull', '--platform', `linux/${OTHER}`, name)).toMatchObject({ code: 0 });
  expect(await inspect(name, '{{.Id}} {{.Architecture}}')).toBe(`${other.id} ${OTHER}`);
  const none = await docker('pull', '--platform', 'linux/s390x', name);
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('no matching manifest for linux/s390x in the manifest list entries') as string });
});

test('all tags of a repository are pulled where that is asked for, as dockerd tells it', async () => {
  const shell = shellTree([{ path: 'etc/all', body: Buffer.from('of all tags') }]);
  const [one, two] = [await registryImage('one', 'oci', OWN, shell), await registryImage('two', 'oci', OWN, shell)];
  const digests: Record<string, string> = {};
  for (const [tag, image] of [['one', one], ['two', two], ['again', two]] as const) digests[tag] = await push(registry, 'sea/all', image, tag);
  const name = `${registry.host}/sea/all`;
  const pull = await docker('pull', '-a', name);
  expect(pull).toMatchObject({ code: 0, stderr: '' });
  const lines = pull.stdout.trim().split('\n');
  const tags = lines.flatMap((line) => /^(\w+): Pulling from sea\/all$/.exec(line)?.slice(1) ?? []);
  expect(tags.toSorted()).toEqual(['again', 'one', 'two']);
  expect(lines.filter((line) => line.startsWith('Digest: '))).toEqual(tags.map((tag) => `Digest: ${digests[tag]}`));
  const lower = sha256(one.layers[0]!).slice(0, 12);
  expect(lines.filter((line) => new RegExp(`^${lower}: (Pulling fs layer|Pull complete|Already exists)$`).test(line))).toEqual(['Pulling fs layer', 'Pull complete', 'Already exists'].map((step) => `${lower}: ${step}`));
  expect(lines.slice(-2)).toEqual([`Status: Downloaded newer image for ${name}`, name]);
  expect((await docker('images', '-q', '--no-trunc', name)).stdout.trim().split('\n').toSorted()).toEqual([one.id, two.id, two.id].toSorted());
  const again = await http(engine.socket, 'POST', `/images/create?fromImage=${name}:`);
  expect(again.text.trim().split('\r\n').map((line) => (JSON.parse(line) as { status: string }).status)).toEqual([...tags.flatMap((tag) => ['Pulling from sea/all', `Digest: ${digests[tag]}`]), `Status: Image is up to date for ${name}`]);
  expect(await http(engine.socket, 'POST', `/images/create?fromImage=${registry.host}/sea/nowhere`)).toMatchObject({ status: 404, text: expect.stringContaining(`repository ${registry.host}/sea/nowhere not found: name unknown: repository name not known to registry`) as string });
});

test('docker run pulls what is not there, and runs it', async () => {
  await push(registry, 'sea/absent', await registryImage('was not there'), 'latest');
  const run = await docker('run', '--rm', `${registry.host}/sea/absent`);
  expect(run).toMatchObject({ code: 0, stdout: 'was not there\n' });
  expect(run.stderr).toMatch(/^Unable to find image '.*sea\/absent:latest' locally\nlatest: Pulling from sea\/absent\n/);
  expect(await docker('run', '--rm', `${registry.host}/sea/absent`)).toMatchObject({ code: 0, stdout: 'was not there\n', stderr: '' });
});

test('an image that was loaded is pulled, and run, though the registry has its layers compressed', async () => {
  const image = await registryImage('loaded before');
  const name = `${registry.host}/sea/loaded`;
  await push(registry, 'sea/loaded', image, 'latest');
  const archive = join(engine.settings.dataRoot, 'loaded.tar');
  writeFileSync(archive, await imageArchive({ tag: 'loaded', layers: image.layers.map((layer) => gunzipSync(layer)), rawConfig: image.config }));
  expect(await docker('load', '-q', '-i', archive)).toMatchObject({ code: 0 });
  const pull = await docker('pull', name);
  expect(pull).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`Status: Downloaded newer image for ${name}:latest\n`) as string });
  expect(await docker('run', '--rm', '--pull', 'always', '-q', name)).toMatchObject({ code: 0, stdout: 'loaded before\n' });
  expect(await inspect(name, '{{.Id}} {{len .RepoTags}}')).toBe(`${image.id} 2`);
});

test('an image that the registry does not have is told in the words that clients know', async () => {
  await push(registry, 'sea/known', await registryImage('known'), 'latest');
  const tag = await docker('pull', `${registry.host}/sea/known:none`);
  expect(tag).toMatchObject({ code: 1, stderr: `Error response from daemon: manifest for ${registry.host}/sea/known:none not found: manifest unknown: manifest unknown\n` });
  const run = await docker('run', '--rm', `${registry.host}/sea/known:none`);
  expect(run.code).toBe(125);
});

test.each(['layer', 'config', 'manifest'] as const)('a %s that is not what its digest says is refused, and nothing of the image stays', async (part) => {
  const image = await registryImage(`damaged ${part}`);
  const digest = await push(registry, `sea/damaged-${part}`, image, 'latest');
  const before = kept();
  registry.damage({ layer: image.layers[1]!, config: image.config, manifest: image.manifest.bytes }[part]);
  const name = `${registry.host}/sea/damaged-${part}`;
  expect(await docker('pull', `${name}@${digest}`)).toMatchObject({ code: 1 });
  expect((await docker('image', 'inspect', name)).code).toBe(1);
  // The lower layer was sound, and is gone all the same: no image needs it.
  expect(kept()).toEqual(before);
});

test('of an image whose upper layer is not the one it names the lower one, unpacked before, does not stay', async () => {
  const image = await registryImage('not so', 'oci', OWN, shellTree([{ path: 'etc/lower', body: Buffer.from('of this image alone') }]));
  const config = Buffer.from(image.config.toString().replace(sha256(gunzipSync(image.layers[1]!)), '0'.repeat(64)));
  const bytes = Buffer.from(image.manifest.bytes.toString().replace(image.id, `sha256:${sha256(config)}`));
  await push(registry, 'sea/false', { ...image, config, manifest: { ...image.manifest, bytes } }, 'latest');
  const before = kept();
  const pull = await docker('pull', `${registry.host}/sea/false`);
  expect(pull).toMatchObject({ code: 1, stderr: expect.stringContaining('that the image says') as string, stdout: expect.stringContaining(`${sha256(image.layers[0]!).slice(0, 12)}: Pull complete`) as string });
  expect(kept()).toEqual(before);
});

test('a private registry is for those whom it knows', async () => {
  await push(locked, 'cave/treasure', await registryImage('gold'), 'latest');
  const name = `${locked.host}/cave/treasure`;
  const stranger = await docker('pull', name);
  expect(stranger.code).toBe(1);
  expect(stranger.stderr).toMatch(/no basic auth credentials|pull access denied|unauthorized/);
  const logIn = (password: string): void => {
    mkdirSync(join(engine.settings.dataRoot, '.docker'), { recursive: true });
    const auth = Buffer.from(`${ACCOUNT.user}:${password}`).toString('base64');
    writeFileSync(join(engine.settings.dataRoot, '.docker/config.json'), JSON.stringify({ auths: { [locked.host]: { auth } } }));
  };
  logIn('open barley');
  expect((await docker('pull', name)).code).toBe(1);
  logIn(ACCOUNT.password);
  expect(await docker('run', '--rm', name)).toMatchObject({ code: 0, stdout: 'gold\n' });
});

test("a registry of this machine is reached by TLS, whoever signed its certificate", async () => {
  const folder = mkdtempSync('/var/tmp/berth-certificates-');
  const { cert, key } = new CertificateAuthority(folder, 'nobody knows').certify('cave', { commonName: 'cave' });
  const front = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (asked, response) => {
    const { method, url, headers } = asked;
    const back = request({ host: '127.0.0.1', port: Number(locked.host.split(':')[1]), method, path: url, headers }, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers)));
    asked.pipe(back);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  try {
    const host = `127.0.0.1:${(front.address() as AddressInfo).port}`;
    const digest = await push(locked, 'cave/sealed', await registryImage('sealed'), 'latest');
    expect(await engine.docker(['login', '-u', ACCOUNT.user, '--password-stdin', host], 'open barley')).toMatchObject({ code: 1, stderr: expect.stringContaining(`login attempt to https://${host}/v2/ failed with status: 401`) as string });
    expect((await engine.docker(['login', '-u', ACCOUNT.user, '--password-stdin', host], ACCOUNT.password)).stdout).toContain('Login Succeeded');
    expect(await docker('pull', `${host}/cave/sealed`)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`Digest: ${digest}\n`) as string });
    expect(await docker('run', '--rm', `${host}/cave/sealed`)).toMatchObject({ code: 0, stdout: 'sealed\n' });
  } finally {
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
    rmSync(folder, { recursive: true });
  }
});

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTar } from '#libs/oci/tar-reader.js';
import { writeTar } from '#libs/oci/tar-writer.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { compileStatic } from '../fixtures/compile.js';
import { imageArchive, shellTree, tarOf as layerOf } from '../fixtures/image-archive.js';

let engine: TestEngine;
let here: string;
beforeAll(async () => {
  here = mkdtempSync('/var/tmp/berth-copy-');
  engine = await startEngine({ BERTH_CDI_SPEC_DIRS: here });
  await engine.loadBusybox();
}, patience(120_000));
afterAll(async () => {
  rmSync(here, { recursive: true, force: true });
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]) => engine.docker(args);

/** The answer of a request whose body is an archive, as bytes. */
function archive(method: string, path: string, body?: Buffer): Promise<{ status: number; header: string | undefined; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: engine.socket, method, path, headers: body ? { 'content-type': 'application/x-tar', 'content-length': body.length } : {} }, (answer) => {
      const chunks: Buffer[] = [];
      const header = answer.headers['x-docker-container-path-stat'];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: answer.statusCode ?? 0, header: header === undefined ? undefined : String(header), bytes: Buffer.concat(chunks) }));
    });
    call.on('error', reject).end(body);
  });
}

async function namesOf(tar: Buffer): Promise<string[]> {
  const names: string[] = [];
  for await (const { path } of readTar((async function* () { yield tar; })())) names.push(path.toString());
  return names;
}

async function tarOf(...members: Parameters<typeof writeTar>[0] extends infer M ? (M extends Iterable<infer One> ? One[] : never) : never): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each(['running', 'stopped', 'created'])('a container that is %s', (state) => {
  const name = `copy-${state}`;
  beforeAll(async () => {
    const conf = join(here, `conf-${state}`);
    writeFileSync(conf, 'mounted');
    const volumes = ['-v', `data-${state}:/data`, '-v', `${conf}:/etc/app/one.conf`, '-v', `${conf}:/etc/sealed/one.conf:ro`];
    await docker(state === 'created' ? 'create' : 'run', ...(state === 'created' ? [] : ['-d']), '--name', name, '--network', 'none', ...volumes, 'busybox', 'sleep', '1000');
    if (state === 'stopped') await docker('stop', '-t', '0', name);
  }, patience(30_000));
  afterAll(async () => void (await docker('rm', '-f', '-v', name)));

  test('files and directories go in and come out as they were', async () => {
    mkdirSync(join(here, `tree-${state}/sub`), { recursive: true });
    writeFileSync(join(here, `tree-${state}/sub/file`), 'content', { mode: 0o640 });
    symlinkSync('sub/file', join(here, `tree-${state}/link`));
    expect(await docker('cp', '-q', join(here, `tree-${state}`), `${name}:/tmp/tree`)).toMatchObject({ code: 0, stderr: '' });
    expect((await docker('cp', '-q', `${name}:/tmp/tree`, join(here, `back-${state}`))).stderr).toBe('');
    expect(readFileSync(join(here, `back-${state}/sub/file`), 'utf8')).toBe('content');
    expect(readlinkSync(join(here, `back-${state}/link`))).toBe('sub/file');
    if (state === 'running') expect((await docker('exec', name, 'stat', '-c', '%a %n', '/tmp/tree/sub/file')).stdout).toBe('640 /tmp/tree/sub/file\n');
  });

  test('what goes into a volume is in the volume', async () => {
    writeFileSync(join(here, 'kept'), 'kept');
    expect(await docker('cp', '-q', join(here, 'kept'), `${name}:/data/`)).toMatchObject({ code: 0, stderr: '' });
    expect((await docker('run', '--rm', '--network', 'none', '-v', `data-${state}:/v`, 'busybox', 'cat', '/v/kept')).stdout).toBe('kept');
  });

  test('archives go by stdin and stdout', async () => {
    const tar = await tarOf({ path: 'piped', body: Buffer.from('by a pipe') });
    expect((await engine.docker(['cp', '-', `${name}:/tmp`], tar)).code).toBe(0);
    const out = await docker('cp', `${name}:/tmp/piped`, '-');
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(out.stdout).toContain('by a pipe');
  });

  test('a path is told of by its header, with where a symlink leads in the container', async () => {
    await archive('PUT', `/containers/${name}/archive?path=/tmp`, await tarOf({ path: 'out', type: 'symlink', linkTarget: '../../../etc/../tmp/piped' }));
    const { status, header = '' } = await archive('HEAD', `/containers/${name}/archive?path=/tmp/out`);
    expect(status).toBe(200);
    expect(JSON.parse(Buffer.from(header, 'base64').toString())).toMatchObject({ name: 'out', mode: 134218239, linkTarget: '/tmp/piped' });
    expect((await docker('cp', '-q', '-L', `${name}:/tmp/out`, join(here, 'followed'))).code).toBe(0);
    expect(readFileSync(join(here, 'followed'), 'utf8')).toBe('by a pipe');
  });

  test('what is wrong is said', async () => {
    expect((await docker('cp', `${name}:/no/such`, here)).stderr).toContain(`Could not find the file /no/such in container ${name}`);
    expect((await archive('PUT', `/containers/${name}/archive?path=/no/such`, await tarOf({ path: 'x' }))).status).toBe(404);
    // Refused at its first entry, with megabytes under way.
    const long = await tarOf({ path: 'link', type: 'hardlink', linkTarget: 'missing' }, ...Array.from({ length: 4_000 }, (_, index) => ({ path: `file-${index}`, body: Buffer.alloc(600) })));
    expect((await archive('PUT', `/containers/${name}/archive?path=/tmp`, long)).status).toBe(500);
    const inFile = await archive('PUT', `/containers/${name}/archive?path=/bin/busybox`, await tarOf({ path: 'x' }));
    expect(inFile).toMatchObject({ status: 400 });
    expect(inFile.bytes.toString()).toContain('extraction point is not a directory');
    const over = await archive('PUT', `/containers/${name}/archive?path=/&noOverwriteDirNonDir=1`, await tarOf({ path: 'tmp', body: Buffer.from('x') }));
    expect(over.bytes.toString()).toContain('cannot overwrite directory');
    const rubbish = await archive('PUT', `/containers/${name}/archive?path=/tmp`, Buffer.alloc(2048, 'rubbish'));
    expect({ status: rubbish.status, text: rubbish.bytes.toString() }).toEqual({ status: 500, text: '{"message":"archive/tar: invalid tar header"}\n' });
  });

  test('nothing leads out of the container: neither a symlink in its tree nor a name in an archive', async () => {
    const secret = join(here, `secret-${state}`);
    mkdirSync(secret);
    writeFileSync(join(secret, 'file'), 'secret');
    await archive('PUT', `/containers/${name}/archive?path=/tmp`, await tarOf({ path: 'escape', type: 'symlink', linkTarget: `/../../../../../../..${secret}` }, { path: 'up', type: 'symlink', linkTarget: '../../../../../..' }));
    expect((await archive('GET', `/containers/${name}/archive?path=/tmp/escape/file`)).status).toBe(404);
    expect((await archive('PUT', `/containers/${name}/archive?path=/tmp/escape`, await tarOf({ path: 'written' }))).status).toBe(404);
    expect((await archive('PUT', `/containers/${name}/archive?path=/tmp`, await tarOf({ path: `../../..${secret}/written` }))).status).toBe(500);
    // Through a symlink of the archive's own: it lands below the container's root.
    await archive('PUT', `/containers/${name}/archive?path=/tmp`, await tarOf({ path: `up${secret}/written`, body: Buffer.from('x') }));
    expect(() => readFileSync(join(secret, 'written'))).toThrow('ENOENT');
  });

  test('what goes through a symlink of the container goes where that leads in it', async () => {
    const way = await tarOf(
      { path: 'opt/app/var/log', type: 'directory', mode: 0o755 }, { path: 'srv/log', type: 'directory', mode: 0o755 },
      { path: 'opt/app/absolute', type: 'symlink', linkTarget: '/srv/log' }, { path: 'opt/app/relative', type: 'symlink', linkTarget: '../../srv/log' }, { path: 'opt/app/kernel', type: 'symlink', linkTarget: '/proc' },
      { path: 'opt/link', type: 'symlink', linkTarget: 'app' },
    );
    expect((await archive('PUT', `/containers/${name}/archive?path=/`, way)).status).toBe(200);
    const put = await archive('PUT', `/containers/${name}/archive?path=/opt/link`, await tarOf(
      { path: 'absolute/one', body: Buffer.from('1') }, { path: 'relative/sub/two', body: Buffer.from('2') }, { path: 'relative/same', type: 'hardlink', linkTarget: 'absolute/one' },
    ));
    expect(`${put.status} ${put.bytes.toString()}`).toBe('200 ');
    const { bytes } = await archive('GET', `/containers/${name}/archive?path=/srv/log`);
    expect((await namesOf(bytes)).sort()).toEqual(['log/', 'log/one', 'log/same', 'log/sub/', 'log/sub/two']);
    if (state === 'running') expect((await archive('PUT', `/containers/${name}/archive?path=/opt/app`, await tarOf({ path: 'kernel/sys/made', body: Buffer.from('x') }))).bytes.toString()).toContain("it is the kernel's");
  });

  test('what something is mounted on is not replaced, and stays mounted', async () => {
    const tar = await tarOf({ path: 'one.conf', body: Buffer.from('copied') });
    for (const [path, said] of [['/etc/app', 'RemoveAll one.conf'], ['/etc/sealed', 'RemoveAll one.conf']] as const) {
      const { status, bytes } = await archive('PUT', `/containers/${name}/archive?path=${path}`, tar);
      expect(`${status} ${bytes.toString()}`).toContain(`409 {"message":"${said}: device or resource busy"}`);
    }
    // Not by way of what is above it, either.
    const above = await archive('PUT', `/containers/${name}/archive?path=/`, await tarOf({ path: 'data', body: Buffer.from('copied') }));
    expect(above).toMatchObject({ status: 409 });
    writeFileSync(join(here, `conf-${state}`), 'changed');
    for (const path of ['/etc/app/one.conf', '/etc/sealed/one.conf']) expect((await archive('GET', `/containers/${name}/archive?path=${path}`)).bytes.toString()).toContain('changed');
    expect(await namesOf((await archive('GET', `/containers/${name}/archive?path=/data`)).bytes)).toContain('data/kept');
    if (state === 'running') expect((await docker('exec', name, 'grep', '-c', '/one.conf ', '/proc/mounts')).stdout).toBe('2\n');
  });

  test('of the root there is what is mounted in it, but no devices, which a client that is not root could not unpack', async () => {
    const kinds = async (path: string): Promise<Map<string, string>> => {
      const kinds = new Map<string, string>();
      for await (const member of readTar((async function* () { yield (await archive('GET', `/containers/${name}/archive?path=${path}`)).bytes; })())) kinds.set(member.path.toString(), member.type);
      return kinds;
    };
    for (const [path, prefix] of [['/', '/'], ['.', './']] as const) {
      const all = await kinds(path);
      expect([all.get(`${prefix}dev/`), all.has(`${prefix}etc/app/one.conf`)]).toEqual(['directory', true]);
      expect([...all].filter(([, type]) => type === 'character' || type === 'block')).toEqual([]);
    }
    if (state === 'running') expect((await kinds('/dev')).get('dev/null')).toBe('character');
  });

  test('an export is the root alone, without mounts', async () => {
    const { bytes } = await archive('GET', `/containers/${name}/export`);
    const names = await namesOf(bytes);
    expect(names).toEqual(expect.arrayContaining(['bin/', 'bin/busybox', 'tmp/piped', 'data/', 'proc/']));
    expect(names.filter((one) => /^(data|proc|sys)\/./.test(one))).toEqual([]);
  });
});

test.each(['.', './', '/.', 'tmp/.'])('what is at %s comes into a directory that is not there yet, and nowhere else', async (path) => {
  await docker('create', '--name', 'dotted', '--network', 'none', 'busybox', 'true');
  const below = mkdtempSync(join(here, 'into-'));
  expect(await docker('cp', '-q', `dotted:${path}`, join(below, 'new'))).toMatchObject({ code: 0 });
  expect([readdirSync(below), readdirSync(join(below, 'new')).includes('bin')]).toEqual([['new'], path !== 'tmp/.']);
  await docker('rm', 'dotted');
});

test('a copy is told to those who watch, and a container that is copied to starts with it', async () => {
  await docker('create', '--name', 'watched', '--network', 'none', 'busybox', 'cat', '/told');
  writeFileSync(join(here, 'told'), 'told');
  await docker('cp', '-q', join(here, 'told'), 'watched:/');
  await docker('cp', '-q', 'watched:/told', join(here, 'told-back'));
  expect((await docker('start', '-a', 'watched')).stdout).toBe('told');
  const { stdout } = await docker('events', '--since', '1', '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'container=watched', '--format', '{{.Action}}');
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['extract-to-dir', 'archive-path']));
  await docker('rm', 'watched');
});

test('a read-only root and a read-only volume take nothing', async () => {
  await docker('create', '--name', 'sealed', '--network', 'none', '--read-only', '-v', 'sealed:/ro:ro', '-v', 'open:/rw', 'busybox', 'true');
  writeFileSync(join(here, 'x'), 'x');
  expect((await docker('cp', join(here, 'x'), 'sealed:/tmp/')).stderr).toContain('container rootfs is marked read-only');
  expect((await docker('cp', join(here, 'x'), 'sealed:/ro/')).stderr).toContain('mounted volume is marked read-only');
  expect((await docker('cp', '-q', join(here, 'x'), 'sealed:/rw/')).code).toBe(0);
  await docker('rm', '-v', 'sealed');
});

test('of a container that does not run nothing that is read-only is written, whatever leads there', async () => {
  const host = join(here, 'read-only');
  mkdirSync(host);
  const body = Buffer.from('x');
  const put = async (name: string, path: string, ...members: Parameters<typeof tarOf>) => {
    const { status, bytes } = await archive('PUT', `/containers/${name}/archive?path=${path}`, await tarOf(...members));
    return `${status} ${bytes.toString()}`;
  };
  await docker('create', '--name', 'led', '--network', 'none', '-v', `${host}:/ro:ro`, 'busybox', 'true');
  expect(await put('led', '/', { path: 'link', type: 'symlink', linkTarget: '/ro' })).toMatch(/^200/);
  expect(await put('led', '/link', { path: 'file', body })).toMatch(/^400.*mounted volume is marked read-only/);
  expect(await put('led', '/', { path: 'ro/file', body })).toMatch(/^500.*read-only/);
  expect(readdirSync(host)).toEqual([]);
  await docker('run', '--rm', '--network', 'none', '-v', 'leads:/v', 'busybox', 'ln', '-s', '/etc', '/v/link');
  await docker('create', '--name', 'led-back', '--network', 'none', '--read-only', '-v', 'leads:/v', 'busybox', 'true');
  expect((await archive('HEAD', '/containers/led-back/archive?path=/etc')).status).toBe(200);
  expect(await put('led-back', '/v/link', { path: 'file', body })).toMatch(/^400.*container rootfs is marked read-only/);
  expect(await put('led-back', '/v', { path: 'file', body })).toMatch(/^200/);
  expect((await docker('diff', 'led-back')).stdout).not.toContain('/etc/file');
  await docker('rm', 'led', 'led-back');
  await docker('volume', 'rm', 'leads');
});

test('a container that was copied from before its first start finds the files that are mounted in it', async () => {
  writeFileSync(join(here, 'app.conf'), 'mounted');
  await docker('create', '--name', 'mounts-file', '--network', 'none', '-v', `${join(here, 'app.conf')}:/etc/app/app.conf`, 'busybox', 'cat', '/etc/app/app.conf');
  await docker('cp', '-q', 'mounts-file:/etc/app/app.conf', join(here, 'app-back'));
  expect(readFileSync(join(here, 'app-back'), 'utf8')).toBe('mounted');
  expect(await docker('start', '-a', 'mounts-file')).toMatchObject({ code: 0, stdout: 'mounted' });
  await docker('rm', 'mounts-file');
});

test('of a stopped container a part of a volume is copied to and from, and nothing in it leads out', async () => {
  await docker('run', '--rm', '-v', 'parts:/all', 'busybox', 'sh', '-c', 'mkdir -p /all/a/b /all/out; echo kept > /all/a/b/file');
  await docker('create', '--name', 'parted', '--network', 'none', '--mount', 'type=volume,src=parts,dst=/part,volume-subpath=a/b', '--mount', 'type=volume,src=parts,dst=/out,volume-subpath=out,volume-nocopy', 'busybox', 'true');
  await docker('run', '--rm', '-v', 'parts:/all', 'busybox', 'sh', '-c', 'rmdir /all/out && ln -s /etc /all/out');
  writeFileSync(join(here, 'x'), 'x');
  await docker('cp', '-q', 'parted:/part/file', join(here, 'part-file'));
  expect(readFileSync(join(here, 'part-file'), 'utf8')).toBe('kept\n');
  await docker('cp', '-q', join(here, 'x'), 'parted:/part/');
  expect((await docker('run', '--rm', '-v', 'parts:/all', 'busybox', 'ls', '/all/a/b')).stdout).toBe('file\nx\n');
  expect((await docker('cp', '-q', 'parted:/out/passwd', join(here, 'passwd'))).code).toBe(1);
  await docker('rm', 'parted');
  await docker('volume', 'rm', 'parts');
});

describe.each(['running', 'stopped'])('clients that take nothing of what a %s container is asked for', (state) => {
  /** More than the executor has threads for copies. */
  const READERS = 8;
  const busy = `unread-${state}`;
  const other = `beside-${state}`;
  const clients: Socket[] = [];
  beforeAll(async () => {
    await docker('run', '-d', '--name', busy, '--network', 'none', 'busybox', 'sleep', '1d');
    await docker('exec', busy, 'truncate', '-s', '1G', '/large');
    if (state === 'stopped') await docker('kill', busy);
    await docker('run', '-d', '--name', other, '--network', 'none', 'busybox', 'sleep', '1d');
    await docker('exec', other, 'sh', '-c', 'echo told > /file');
    for (let count = 0; count < READERS; count++) {
      const client = connect(engine.socket);
      client.write(`GET /containers/${busy}/archive?path=/large HTTP/1.1\r\nHost: docker\r\n\r\n`);
      clients.push(client);
      await once(client, 'readable');
      expect(String(client.read(15))).toBe('HTTP/1.1 200 OK');
    }
  }, patience(60_000));
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await docker('rm', '-f', busy, other);
  }, patience(30_000));

  test('are in nobody else\'s way', async () => {
    writeFileSync(join(here, 'beside'), 'beside');
    expect(await docker('cp', '-q', join(here, 'beside'), `${other}:/tmp/`)).toMatchObject({ code: 0, stderr: '' });
    expect(await docker('cp', '-q', `${other}:/file`, join(here, `beside-${state}`))).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(here, `beside-${state}`), 'utf8')).toBe('told\n');
    expect((await docker('diff', other)).stdout).toContain('A /file');
    expect(await namesOf((await archive('GET', `/containers/${other}/export`)).bytes)).toContain('file');
    expect((await docker('commit', other, `beside:${state}`)).code).toBe(0);
    expect((await docker('run', '--rm', '--network', 'none', `beside:${state}`, 'cat', '/file', '/tmp/beside')).stdout).toBe('told\nbeside');
  }, patience(30_000));

  test('nor in that of whoever copies from and to the same container', async () => {
    expect((await docker('diff', busy)).stdout).toContain('A /large');
    expect((await archive('HEAD', `/containers/${busy}/archive?path=/large`)).status).toBe(200);
    expect(await docker('cp', '-q', join(here, 'beside'), `${busy}:/tmp/`)).toMatchObject({ code: 0, stderr: '' });
    expect((await archive('GET', `/containers/${busy}/archive?path=/tmp/beside`)).bytes.toString()).toContain('beside');
  }, patience(30_000));
});

test('senders that send nothing are in nobody else\'s way', async () => {
  await docker('create', '--name', 'unsent', '--network', 'none', 'busybox', 'cat', '/tmp/beside');
  const clients: Socket[] = [];
  for (let count = 0; count < 8; count++) {
    const client = connect(engine.socket);
    client.write('PUT /containers/unsent/archive?path=/tmp HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\nContent-Length: 10240\r\nExpect: 100-continue\r\n\r\n');
    clients.push(client);
    await once(client, 'readable');
    expect(String(client.read(21))).toBe('HTTP/1.1 100 Continue');
  }
  writeFileSync(join(here, 'beside'), 'beside');
  expect(await docker('cp', '-q', join(here, 'beside'), 'unsent:/tmp/')).toMatchObject({ code: 0, stderr: '' });
  const closed = clients.map((client) => once(client, 'close'));
  for (const client of clients) client.destroy();
  await Promise.all(closed);
  expect((await docker('start', '-a', 'unsent')).stdout).toBe('beside');
  await docker('rm', 'unsent');
}, patience(30_000));

test('an archive whose sender is killed in the middle does not look whole', async () => {
  await docker('run', '-d', '--name', 'copy-cut', 'busybox', 'sh', '-c', 'truncate -s 1G /large; exec sleep 1d');
  const begun = Promise.withResolvers<void>();
  const ended = new Promise<string>((resolve, reject) => {
    const call = request({ socketPath: engine.socket, path: '/containers/copy-cut/archive?path=/large' }, (answer) => {
      answer.once('data', () => begun.resolve()).on('end', () => resolve('it ended as if it were whole')).on('error', reject);
    });
    call.on('error', reject).end();
  });
  ended.catch(() => undefined);
  await begun.promise;
  process.kill(engine.pid('executor') ?? 0, 'SIGKILL');
  await expect(ended).rejects.toThrow('aborted');
});

// The virtual machine of test/vm has no compiler.
test.skipIf(!existsSync('/dev/fuse') || !existsSync('/usr/bin/musl-gcc'))('a container in which a file system answers nobody keeps no other from being copied, entered or started, and ends when it is killed', async () => {
  const program = await compileStatic('test/intruder/silent', 'silent');
  const layer = await layerOf(shellTree([{ path: 'silent', mode: 0o755, body: readFileSync(program) }, { path: 'etc/passwd', type: 'symlink', linkTarget: '/mnt/file' }]));
  expect(await engine.docker(['load', '--quiet'], await imageArchive({ tag: 'silent', layers: [layer] }))).toMatchObject({ code: 0 });
  expect(await docker('create', '--name', 'beside', 'silent')).toMatchObject({ code: 0 });
  expect(await docker('run', '-d', '--name', 'silent', '--cap-add', 'SYS_ADMIN', '--device', '/dev/fuse', '--security-opt', 'apparmor=unconfined', 'silent', '/silent', '/mnt')).toMatchObject({ code: 0 });
  // Of the other one its first process has the server's end itself.
  expect(await docker('run', '-d', '--name', 'alone', '--cap-add', 'SYS_ADMIN', '--device', '/dev/fuse', '--security-opt', 'apparmor=unconfined', 'silent', '/silent', '/mnt', 'alone')).toMatchObject({ code: 0 });
  for (const name of ['silent', 'alone']) await expect.poll(async () => (await docker('logs', name)).stdout).toBe('ready\n');
  const waiting = [...Array.from({ length: 3 }, () => docker('cp', 'silent:/mnt/file', '-')), docker('exec', '--user', 'nobody', 'silent', '/silent')];
  const { stdout: pid } = await docker('inspect', '--format', '{{.State.Pid}}', 'silent');
  const hung = `/proc/${pid.trim()}/root/mnt/file`;
  const bind = (source: string) => ['create', '--mount', `type=bind,source=${source},target=/x`, 'silent'];
  waiting.push(...Array.from({ length: 6 }, () => docker(...bind(hung))));
  // Each alone is looked at when the container starts.
  writeFileSync(join(here, 'vendor.json'), JSON.stringify({ cdiVersion: '0.6.0', kind: 'vendor.com/class', devices: [{ name: 'hung', containerEdits: { deviceNodes: [{ path: '/dev/x', hostPath: hung }] } }] }));
  for (const option of [`--device=${hung}:/dev/x`, `--device-read-bps=${hung}:1mb`, '--device=vendor.com/class=hung']) {
    const { stdout: made } = await docker('create', option, 'silent');
    waiting.push(docker('start', made.trim()));
  }
  for (let copies = 0; copies < 3; copies++) expect(await docker('cp', 'beside:/silent', '-')).toMatchObject({ code: 0 });
  const { stdout: bound } = await docker(...bind(here));
  expect(await docker('start', bound.trim())).toMatchObject({ code: 0 });
  expect(await docker('rm', '--force', 'silent', 'alone', 'beside', bound.trim())).toMatchObject({ stdout: `silent\nalone\nbeside\n${bound}`, code: 0 });
  for (const { code } of await Promise.all(waiting)) expect(code).toBe(1);
}, patience(60_000));

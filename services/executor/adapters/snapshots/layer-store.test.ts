import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { armFailpoints, metFailpoints } from '#libs/failpoint/failpoint.js';
import { lgetxattr } from '#libs/linux/extended-attributes.js';
import { blobPath } from '#libs/oci/content-layout.js';
import { digestOf } from '#libs/oci/digest.js';
import { writeTar, type TarMember } from '#libs/oci/tar-writer.js';
import { TreeThreads } from '../trees/tree-threads.js';
import { LayerStore, type LayerBlob } from './layer-store.js';

const fail = (error: unknown): void => expect.unreachable(String(error));
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('unpacked layers', () => {
  let top: string;
  let outside: string;
  let store: LayerStore;
  const threads = new TreeThreads();
  afterAll(() => threads.close());

  beforeEach(async () => {
    top = mkdtempSync(join(tmpdir(), 'layers-'));
    outside = join(top, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'passwd'), 'the host');
    mkdirSync(join(top, 'data/content/blobs/sha256'), { recursive: true });
    store = new LayerStore(join(top, 'data'), threads);
    await store.open(fail);
  });

  afterEach(() => {
    expect(readFileSync(join(outside, 'passwd'), 'utf8')).toBe('the host');
    expect(readdirSync(outside)).toEqual(['passwd']);
    expect(readdirSync(join(top, 'data/layers')).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
    rmSync(top, { recursive: true });
  });

  async function layer(members: readonly TarMember[], pack: (tar: Buffer) => Uint8Array = (tar) => tar): Promise<LayerBlob> {
    const parts: Buffer[] = [];
    for await (const part of writeTar(members)) parts.push(part);
    return blob(Buffer.concat(parts), pack);
  }

  function blob(tar: Buffer, pack: (tar: Buffer) => Uint8Array = (bytes) => bytes): LayerBlob {
    const packed = pack(tar);
    const digest = digestOf(packed);
    writeFileSync(blobPath(join(top, 'data'), digest), packed);
    return { chainId: digestOf(tar), diffId: digestOf(tar), digest, mediaType: '' };
  }

  const unpacked = (of: LayerBlob, path = ''): string => join(top, 'data/layers', store.nameOf(of.chainId), path);
  const file = (path: string, content = 'evil'): TarMember => ({ path, body: Buffer.from(content) });

  test.each([
    ['plain', (tar: Buffer) => tar],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('a %s layer keeps owners, modes, times, links, devices and capabilities', async (_, pack) => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');
    const mtime = { seconds: 1_600_000_000, nanoseconds: 123_456_789 };
    const of = await layer(
      [
        { path: './', type: 'directory', mode: 0o755 },
        { path: 'bin/', type: 'directory', mode: 0o2751, uid: 1, gid: 2, mtime },
        { path: 'bin/su', body: Buffer.from('#!'), mode: 0o4755, uid: 5, gid: 6, mtime },
        { path: 'bin/ping', body: Buffer.from('p'), mode: 0o755, xattrs: new Map([['security.capability', capability]]) },
        { path: 'bin/hard', type: 'hardlink', linkTarget: 'bin/su' },
        { path: 'soft', type: 'symlink', linkTarget: '/bin/su', uid: 9 },
        { path: 'null', type: 'character', major: 1, minor: 3, mode: 0o666 },
        { path: 'pipe', type: 'fifo' },
        { path: 'missing/parents/f', body: Buffer.from('1') },
      ],
      pack,
    );
    expect(await store.unpack(of)).toEqual({ sizeBytes: 4 });
    expect(await store.has(of.chainId)).toBe(true);
    const su = statSync(unpacked(of, 'bin/su'), { bigint: true });
    expect([su.mode & 0o7777n, su.uid, su.gid, su.nlink, su.mtimeNs]).toEqual([0o4755n, 5n, 6n, 2n, 1_600_000_000_123_456_789n]);
    const bin = statSync(unpacked(of, 'bin'), { bigint: true });
    expect([bin.mode & 0o7777n, bin.uid, bin.mtimeNs]).toEqual([0o2751n, 1n, 1_600_000_000_123_456_789n]);
    expect(lgetxattr(unpacked(of, 'bin/ping'), 'security.capability')).toEqual(capability);
    expect(lstatSync(unpacked(of, 'soft')).uid).toBe(9);
    expect(statSync(unpacked(of, 'null')).rdev).toBe(0x103);
    expect(lstatSync(unpacked(of, 'pipe')).isFIFO()).toBe(true);
    expect(await store.unpack(of)).toEqual({ sizeBytes: 4 });
    await store.remove(of.chainId);
    expect(existsSync(unpacked(of))).toBe(false);
    expect(await store.has(of.chainId)).toBe(false);
    await store.remove(of.chainId);
  });

  test('whiteouts become what overlay takes for them', async () => {
    const of = await layer([
      file('etc/.wh.gone', ''),
      { path: 'var', type: 'directory' },
      file('var/.wh..wh..opq', ''),
      file('.wh.swapped', ''),
      { path: 'swapped', type: 'directory' },
      file('swapped/new'),
    ]);
    await store.unpack(of);
    const gone = lstatSync(unpacked(of, 'etc/gone'));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    expect(lgetxattr(unpacked(of, 'var'), 'trusted.overlay.opaque')?.toString()).toBe('y');
    expect(lgetxattr(unpacked(of, 'swapped'), 'trusted.overlay.opaque')?.toString()).toBe('y');
    expect(readdirSync(unpacked(of, 'swapped'))).toEqual(['new']);
  });

  test('a symlink out of the layer leads to the same path below its root', async () => {
    const of = await layer([{ path: 'etc', type: 'symlink', linkTarget: outside }, { path: outside.slice(1), type: 'directory' }, file('etc/passwd')]);
    await store.unpack(of);
    expect(readFileSync(unpacked(of, `${outside}/passwd`), 'utf8')).toBe('evil');
  });

  test.each<[string, (outside: string) => TarMember[]]>([
    ['a symlink to a directory of the host', (out) => [{ path: 'etc', type: 'symlink', linkTarget: out }, file('etc/passwd')]],
    ['a relative symlink', (out) => [{ path: 'etc', type: 'symlink', linkTarget: `../../../../../../..${out}` }, file('etc/passwd')]],
    ['".." in a path', () => [file('../../../../outside/passwd')]],
    ['a hard link by ".."', () => [{ path: 'x', type: 'hardlink', linkTarget: '../../../outside/passwd' }, file('x')]],
    ['a hard link by an absolute path', (out) => [{ path: 'x', type: 'hardlink', linkTarget: `${out}/passwd` }, file('x')]],
    ['a hard link through a symlink', (out) => [{ path: 's', type: 'symlink', linkTarget: out }, { path: 'x', type: 'hardlink', linkTarget: 's/passwd' }, file('x')]],
    ['a symlink through procfs', () => [{ path: 's', type: 'symlink', linkTarget: '/proc/self/root' }, file('s/x')]],
    ['a whiteout of the parent', () => [file('a/.wh...', '')]],
  ])('%s is refused', async (_, members) => {
    await expect(store.unpack(await layer(members(outside)))).rejects.toThrow();
  });

  test('files over symlinks and absolute paths stay inside', async () => {
    const of = await layer([
      { path: 'passwd', type: 'symlink', linkTarget: join(outside, 'passwd') },
      file('passwd', 'inside'),
      file(join(outside, 'passwd'), 'inside too'),
      { path: 'd', type: 'symlink', linkTarget: outside },
      { path: 'd', type: 'directory' },
      file('d/passwd', 'a third'),
    ]);
    await store.unpack(of);
    expect(readFileSync(unpacked(of, 'passwd'), 'utf8')).toBe('inside');
    expect(readFileSync(unpacked(of, 'd/passwd'), 'utf8')).toBe('a third');
  });

  test('directories replaced by symlinks in the middle do not lead a cached descriptor astray', async () => {
    const of = await layer([
      { path: 'a/b', type: 'directory' },
      file('a/b/1'),
      { path: 'a', type: 'symlink', linkTarget: 'c' },
      { path: 'c/b', type: 'directory' },
      file('a/b/2'),
    ]);
    await store.unpack(of);
    expect(readdirSync(unpacked(of, 'c/b'))).toEqual(['2']);
  });

  test('an image gives no orders to the overlay', async () => {
    const of = await layer([{ path: 'd', type: 'directory', xattrs: new Map([['trusted.overlay.redirect', Buffer.from('/etc')]]) }]);
    await store.unpack(of);
    expect(lgetxattr(unpacked(of, 'd'), 'trusted.overlay.redirect')).toBeUndefined();
  });

  test('other bytes than promised leave nothing behind', async () => {
    const of = await layer([file('a')]);
    const wrong = { ...of, diffId: digestOf('other') };
    await expect(store.unpack(wrong)).rejects.toThrow('holds sha256');
    await expect(store.unpack({ ...of, digest: digestOf('none') })).rejects.toMatchObject({ kind: 'not-found' });
    expect(await store.has(of.chainId)).toBe(false);
    const cut = await layer([file('b', 'x'.repeat(5000))], (tar) => gzipSync(tar).subarray(0, 60));
    await expect(store.unpack(cut)).rejects.toThrow('decompressed');
  });

  test('a layer that is there already vouches for no other blob', async () => {
    const of = await layer([file('a')]);
    await store.unpack(of);
    const packed = { ...of, digest: (await layer([file('a')], gzipSync)).digest };
    expect(await Promise.all([store.unpack(packed), store.unpack(of)])).toEqual([{ sizeBytes: 4 }, { sizeBytes: 4 }]);
    const forged = { ...of, digest: (await layer([file('a', 'other')], gzipSync)).digest };
    await expect(store.unpack(forged)).rejects.toThrow(`not the ${of.diffId} that the image says`);
    await expect(Promise.all([store.unpack(of), store.unpack(forged)])).rejects.toMatchObject({ kind: 'invalid' });
    rmSync(blobPath(join(top, 'data'), packed.digest));
    expect(await store.unpack(packed)).toEqual({ sizeBytes: 4 }); // seen once is enough
  });

  test('a start finds what a killed unpacking or removal left, and no unknown directory stays', async () => {
    const of = await layer([file('kept')]);
    const half = await layer([file('half')]);
    const lost = await layer([file('lost')]);
    for (const one of [of, half, lost]) await store.unpack(one);
    const root = join(top, 'data/layers');
    rmSync(join(root, '.facts', `${store.nameOf(half.chainId)}.json`)); // a removal that came no further
    rmSync(unpacked(lost), { recursive: true });
    mkdirSync(join(root, '.tmp-0123/etc'), { recursive: true });
    mkdirSync(join(root, 'of-nobody'));
    writeFileSync(join(root, '.facts', 'x.json.1234'), '{');
    for (const name of ['.tmp-0123', store.nameOf(of.chainId), store.nameOf(half.chainId)]) mkdirSync(join(root, '.mounts', name, 'etc'), { recursive: true });
    await new LayerStore(join(top, 'data'), threads).open(fail);
    expect(readdirSync(root).sort()).toEqual(['.facts', '.mounts', store.nameOf(of.chainId)].sort());
    expect(readdirSync(join(root, '.facts'))).toEqual([`${store.nameOf(of.chainId)}.json`]);
    expect(readdirSync(unpacked(of))).toEqual(['kept']);
    expect(readdirSync(join(root, '.mounts'))).toEqual([store.nameOf(of.chainId)]);
    await store.remove(of.chainId);
    expect(readdirSync(join(root, '.mounts'))).toEqual([]);
  });

  test('who asks once more for layers to be kept is answered when nobody removes any', async () => {
    for (const of of [await layer([file('one')]), await layer([file('two')])]) await store.unpack(of);
    armFailpoints('layer.half-removed@1=delay:200');
    try {
      let removes = true;
      const first = store.keep([]).then(() => (removes = false));
      await expect.poll(() => metFailpoints().get('layer.half-removed')).toBe(1);
      await store.keep([]);
      expect(removes).toBe(false);
      await first;
    } finally {
      armFailpoints(undefined);
    }
  });

  test('of two who ask for layers to be kept the later one counts, also for what is left of the other', async () => {
    const layers = [await layer([file('one')]), await layer([file('two')])];
    for (const of of layers) await store.unpack(of);
    armFailpoints('layer.half-removed@1=delay:200');
    try {
      const first = store.keep([]);
      await expect.poll(() => metFailpoints().get('layer.half-removed')).toBe(1);
      await Promise.all([first, store.keep(layers.map(({ chainId }) => chainId))]);
    } finally {
      armFailpoints(undefined);
    }
    expect(await Promise.all(layers.map(({ chainId }) => store.has(chainId)))).toContain(true);
  });

  test('a layer that cannot be removed keeps no other from it, and is told of', async () => {
    const layers = await Promise.all(['one', 'another', 'third'].map((name) => layer([file(name)])));
    for (const one of layers) await store.unpack(one);
    // Whichever comes first.
    const [first] = readdirSync(join(top, 'data/layers/.facts'));
    const stuck = layers.find((one) => first === `${store.nameOf(one.chainId)}.json`)!;
    const orphans = layers.filter((one) => one !== stuck);
    execFileSync('mount', ['-t', 'tmpfs', 'none', unpacked(stuck)]);
    try {
      await expect(store.keep([])).rejects.toThrow('EBUSY');
      expect(orphans.map((one) => existsSync(unpacked(one)))).toEqual([false, false]);
      mkdirSync(join(top, 'data/layers/.tmp-0123'));
      const told: unknown[] = [];
      await store.open((error) => told.push(error));
      expect(told).toMatchObject([{ code: 'EBUSY' }]);
    } finally {
      execFileSync('umount', [unpacked(stuck)]);
    }
    await store.open(fail);
    expect(existsSync(unpacked(stuck))).toBe(false);
  });

  test('layers that no image has are removed, and those of images stay', async () => {
    const of = await layer([file('kept')]);
    const orphan = await layer([file('orphan')]);
    for (const one of [of, orphan]) await store.unpack(one);
    await store.keep([of.chainId]);
    expect([await store.has(of.chainId), await store.has(orphan.chainId)]).toEqual([true, false]);
    expect(existsSync(unpacked(orphan))).toBe(false);
    await vi.waitUntil(() => readdirSync(join(top, 'data/layers')).every((name) => !name.startsWith('.tmp-')));
  });

  test.each([
    ['removed', (of: LayerBlob) => store.remove(of.chainId)],
    ['of nobody after a start of those who have layers', () => store.keep([])],
  ])('a layer that is being unpacked is so no longer once it is %s', async (_, end) => {
    const parts: Buffer[] = [];
    for await (const part of writeTar([file('first'), file('large', 'x'.repeat(1 << 20))])) parts.push(part);
    const tar = Buffer.concat(parts);
    const of = { chainId: digestOf(tar), diffId: digestOf(tar), digest: digestOf(tar), mediaType: '' };
    execFileSync('mkfifo', [blobPath(join(top, 'data'), of.digest)]);
    const unpacking = store.unpack(of).then(() => 'unpacked', (error: unknown) => error);
    await using blob = await open(blobPath(join(top, 'data'), of.digest), 'w');
    await blob.write(tar.subarray(0, 4096));
    await expect.poll(() => readdirSync(join(top, 'data/layers')).flatMap((name) => (name.startsWith('.tmp-') ? readdirSync(join(top, 'data/layers', name)) : []))).toContain('first');
    const told = vi.spyOn(Atomics, 'store');
    const ended = end(of);
    await expect.poll(() => told.mock.calls.map(([, ...set]) => set)).toContainEqual([0, 1]); // the thread is told
    told.mockRestore();
    await blob.write(tar.subarray(4096)).catch(() => undefined); // of who reads no more
    await blob.close();
    expect(await unpacking).toMatchObject({ kind: 'unavailable' });
    await ended;
    expect([await store.has(of.chainId), readdirSync(join(top, 'data/layers'))]).toEqual([false, ['.facts', '.mounts']]);
  });

  test('unpacking takes next to nothing of the thread that starts containers', async () => {
    const members = Array.from({ length: 4_000 }, (_, index) => file(`d${index % 50}/f${index}`, 'x'.repeat(4_000)));
    const of = await layer(members, gzipSync);
    const own = process.threadCpuUsage();
    const all = process.cpuUsage();
    await store.unpack(of);
    const used = process.threadCpuUsage(own);
    const usedByAll = process.cpuUsage(all);
    expect(used.user + used.system).toBeLessThan((usedByAll.user + usedByAll.system) / 5);
  });

  test('a tree packed by GNU tar comes out the same', async () => {
    const tar = execFileSync('tar', ['-C', '/usr/share', '--xattrs', '-cf', '-', 'zoneinfo'], { maxBuffer: 1 << 28 });
    const of = blob(tar, gzipSync);
    await store.unpack(of);
    const list = (directory: string): string => execFileSync('sh', ['-c', `cd ${directory} && find . -printf '%p %m %U %G %l %s %T@ %n\\n' | grep -v '^\\. ' | sort`], { maxBuffer: 1 << 28 }).toString();
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const sizesOfDirectories = (text: string): string => text.replace(/^(\S+ 755 \d+ \d+  )\d+( )/gm, '$1$2');
    expect(hash(sizesOfDirectories(list(unpacked(of, 'zoneinfo'))))).toBe(hash(sizesOfDirectories(list('/usr/share/zoneinfo'))));
  });
});

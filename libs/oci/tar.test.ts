import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, linkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BerthError } from '#libs/errors/errors.js';
import { formatPaxRecord } from './pax-records.js';
import { readTar, TAR_LIMITS, type TarLimits } from './tar-reader.js';
import { tarHeader, writeTar, type TarMember } from './tar-writer.js';

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function archive(members: readonly TarMember[]): Promise<Buffer> {
  return await joined(writeTar(members));
}

async function read(bytes: Buffer, size = 1000, limits: TarLimits = TAR_LIMITS) {
  const found = [];
  for await (const { body, ...header } of readTar(inPieces(bytes, size), limits)) found.push({ ...header, content: (await joined(body)).toString() });
  return found;
}

describe('tar', () => {
  const long = `${'directory/'.repeat(30)}file`;
  const members: TarMember[] = [
    { path: 'plain', body: Buffer.from('hello'), mode: 0o4755, uid: 7, gid: 8, mtime: { seconds: 1_700_000_000, nanoseconds: 0 } },
    { path: long, body: Buffer.from('x'.repeat(1024)), mtime: { seconds: 1, nanoseconds: 5 } },
    { path: 'dir', type: 'directory', mtime: { seconds: -3, nanoseconds: 250_000_000 } },
    { path: 'link', type: 'symlink', linkTarget: `/${long}` },
    { path: Buffer.from([0x66, 0xff, 0xfe]), type: 'fifo' },
    { path: 'ümlaut', type: 'hardlink', linkTarget: 'plain' },
    { path: 'null', type: 'character', major: 1, minor: 3 },
    { path: 'owned', body: Buffer.alloc(0), uid: 4_000_000_000, xattrs: new Map([['security.capability', Buffer.from([1, 0, 10, 61])]]) },
  ];

  test.each([1, 7, 512, 1 << 20])('what is written is read again, in pieces of %i bytes', async (size) => {
    const found = await read(await archive(members), size);
    expect(found.map((entry) => entry.path.toString('latin1'))).toEqual(['plain', long, 'dir/', 'link', 'f\xff\xfe', Buffer.from('ümlaut').toString('latin1'), 'null', 'owned']);
    expect(found[0]).toMatchObject({ content: 'hello', mode: 0o4755, uid: 7, gid: 8, mtime: { seconds: 1_700_000_000, nanoseconds: 0 } });
    expect(found[1]).toMatchObject({ mtime: { seconds: 1, nanoseconds: 5 }, sizeBytes: 1024 });
    expect(found[2]).toMatchObject({ type: 'directory', mtime: { seconds: -3, nanoseconds: 250_000_000 } });
    expect(found[3]!.linkTarget.toString()).toBe(`/${long}`);
    expect(found[6]).toMatchObject({ type: 'character', major: 1, minor: 3 });
    expect(found[7]).toMatchObject({ uid: 4_000_000_000 });
    expect(found[7]!.xattrs.get('security.capability')).toEqual(Buffer.from([1, 0, 10, 61]));
  });

  test('bodies that nobody reads are skipped', async () => {
    const names = [];
    for await (const entry of readTar(inPieces(await archive(members), 100))) names.push(entry.path.length);
    expect(names).toHaveLength(8);
  });

  test.each(['gnu', 'pax', 'ustar', 'v7'])('GNU tar in format %s is read, and reads ours', async (format) => {
    const directory = mkdtempSync(join(tmpdir(), 'tar-'));
    try {
      const name = format === 'ustar' || format === 'v7' ? 'a' : 'n'.repeat(180);
      writeFileSync(join(directory, name), 'content');
      linkSync(join(directory, name), join(directory, 'z-hard'));
      symlinkSync('elsewhere', join(directory, 'z-soft'));
      const bytes = execFileSync('tar', [`--format=${format}`, '--sort=name', '-C', directory, '-cf', '-', '.']);
      const found = await read(bytes);
      expect(found.map((entry) => [entry.path.toString(), entry.type, entry.content])).toEqual([
        ['./', 'directory', ''],
        [`./${name}`, 'file', 'content'],
        ['./z-hard', 'hardlink', ''],
        ['./z-soft', 'symlink', ''],
      ]);
      expect(execFileSync('tar', ['-tf', '-'], { input: await archive(members.slice(0, 4)) }).toString().split('\n')).toContain(long);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('a size in base 256 is understood', async () => {
    const bytes = await archive([{ path: 'a', body: Buffer.from('abc') }]);
    bytes.fill(0, 124, 136);
    bytes[124] = 0x80;
    bytes[135] = 3;
    resum(bytes);
    expect((await read(bytes))[0]).toMatchObject({ content: 'abc', sizeBytes: 3 });
  });

  test('a damaged header, a cut off file and an endless one are refused', async () => {
    const bytes = await archive(members);
    const damaged = Buffer.from(bytes);
    damaged[0]! ^= 1;
    await expect(read(damaged)).rejects.toMatchObject({ kind: 'unclassified', message: 'archive/tar: invalid tar header' });
    await expect(read(bytes.subarray(0, 514))).rejects.toMatchObject({ kind: 'unclassified', message: 'unexpected EOF' });
    await expect(read(bytes, 512, { ...TAR_LIMITS, entries: 3 })).rejects.toThrow('more than 3 entries');
    await expect(read(bytes, 512, { ...TAR_LIMITS, totalBytes: 100 })).rejects.toThrow('more than 100 bytes');
    await expect(read(bytes, 512, { ...TAR_LIMITS, pathBytes: 100 })).rejects.toThrow('longer than 100');
    const padded = Buffer.concat([bytes, Buffer.alloc(20_480)]);
    await read(padded, 512, { ...TAR_LIMITS, trailingBytes: 20_480 + bytes.length });
    await expect(read(padded, 512, { ...TAR_LIMITS, trailingBytes: 20_000 })).rejects.toThrow('more than 20000 bytes behind its end');
  });

  test('a header that says that it is large is refused before there is room for it', async () => {
    const header = tarHeader({ path: 'PaxHeaders/x' }, 2 ** 30);
    header.write('x', 156, 'latin1');
    resum(header);
    await expect(read(header)).rejects.toThrow('the tar archive has a header of 1073741824 bytes');
  });

  test('what is said of all entries is little', async () => {
    const global = (records: readonly (readonly [string, string])[]): Buffer => {
      const body = Buffer.concat(records.map(([key, value]) => formatPaxRecord(key, Buffer.from(value))));
      const header = tarHeader({ path: 'pax_global_header' }, body.length);
      header.write('g', 156, 'latin1');
      resum(header);
      return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
    };
    const [bytes, comment] = [await archive(members), global([['comment', 'x'.repeat(40)]])];
    expect(await read(Buffer.concat([comment, comment, bytes]))).toHaveLength(8);
    const many = Array.from({ length: 3 }, (_, at) => global(Array.from({ length: 30 }, (__, key) => [`key ${at} ${key}`, 'x'])));
    await expect(read(Buffer.concat([...many, bytes]))).rejects.toThrow('says too much of all its entries: 90 things');
    const large = Array.from({ length: 3 }, (_, at) => global([[`key ${at}`, 'x'.repeat(500_000)]]));
    await expect(read(Buffer.concat([...large, bytes]))).rejects.toThrow('too much of all its entries: 3 things, in 1500000 bytes');
  });

  test('random damage is refused or read, but never anything else', async () => {
    const bytes = await archive(members);
    let seed = 42;
    const random = (most: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % most;
    for (let round = 0; round < 500; round++) {
      const damaged = Buffer.from(bytes);
      for (let hit = 0; hit <= random(4); hit++) damaged[random(damaged.length)] = random(256);
      if (random(2)) for (let block = 0; block + 512 <= damaged.length; block += 512) if (damaged.toString('latin1', block + 257, block + 262) === 'ustar') resum(damaged, block);
      await read(damaged, 4096).catch((error: unknown) => expect(['invalid', 'unclassified']).toContain((error as BerthError).kind));
    }
  });
});

function resum(bytes: Buffer, block = 0): void {
  bytes.write('        ', block + 148, 'latin1');
  let sum = 0;
  for (const byte of bytes.subarray(block, block + 512)) sum += byte;
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148, 'latin1');
}

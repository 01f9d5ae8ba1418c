import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { decompressed } from './decompress.js';

const TEXT = Buffer.alloc(1 << 20, 'all that there is to read, ');
const packed = (program: string): Buffer => execFileSync(program, ['--stdout'], { input: TEXT });
/** A frame that says nothing (RFC 8878, 3.1.2), as pzstd writes one before each of its frames. */
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

async function plain(bytes: Buffer, size = 1000): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
  return Buffer.concat(await (await decompressed(Readable.from(pieces))).toArray() as Buffer[]);
}

test.each([
  ['nothing', TEXT],
  ['gzip', gzipSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
  ['pzstd', Buffer.concat([SKIPPABLE, zstdCompressSync(TEXT.subarray(0, 5000)), SKIPPABLE, zstdCompressSync(TEXT.subarray(5000)), SKIPPABLE])],
  ['xz', packed('xz')],
  ['bzip2', packed('bzip2')],
] as const)('what is compressed with %s is read', async (_, bytes) => {
  for (const size of [3, 1 << 20]) expect((await plain(bytes, size)).equals(TEXT)).toBe(true);
});

test('what is cut short is no archive, and neither is what is damaged', async () => {
  await expect(plain(packed('xz').subarray(0, -9))).rejects.toMatchObject({ kind: 'invalid', message: 'xz: (stdin): Unexpected end of input' });
  const damaged = packed('bzip2').fill(0, 20, 40);
  await expect(plain(damaged)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('bzip2: Data integrity error') as string });
});

test('a program that reads has no rights', async () => {
  const bytes = packed('xz');
  const directory = mkdtempSync(join(tmpdir(), 'berth-xz-'));
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'xz'), '#!/bin/sh\ncat > /dev/null; id -u; id -g; pwd\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${directory}:${process.env['PATH']}`);
  try {
    expect((await plain(bytes)).toString()).toBe('65534\n65534\n/\n');
  } finally {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  }
});

test('a program that is missing is named', async () => {
  const bytes = packed('xz');
  vi.stubEnv('PATH', '/nowhere');
  await expect(plain(bytes)).rejects.toMatchObject({ kind: 'invalid', message: 'it is compressed with xz, which is not installed on this machine (package xz-utils)' });
  vi.unstubAllEnvs();
});

test('who reads no further ends the program and the source, and a source that fails is told', async () => {
  const noise = execFileSync('xz', ['--stdout'], { input: randomBytes(1 << 19) });
  let sent = false;
  const endless = new Readable({
    read(): void {
      if (!sent) this.push(noise.subarray(0, -100));
      sent = true;
    },
  });
  const read = await decompressed(endless);
  for await (const _ of read) break;
  await vi.waitFor(() => expect(endless.destroyed).toBe(true));
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield packed('xz').subarray(0, 100);
    throw new Error('the client has left');
  };
  await expect((await decompressed(Readable.from(broken()))).toArray()).rejects.toThrow('the client has left');
});

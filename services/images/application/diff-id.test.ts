import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompressed } from '#libs/oci/decompress.js';
import { TAR_LIMITS } from '#libs/oci/tar-reader.js';
import { tarOf } from '../../../test/fixtures/image-archive.js';
import { diffIdOf } from './diff-id.js';

const LIMITS = { ...TAR_LIMITS, totalBytes: 1 << 20, trailingBytes: 1 << 20 };
const hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('the hash is of all bytes, also of those behind the end of the archive', async () => {
  const padded = Buffer.concat([await tarOf([{ path: 'word', body: Buffer.from('aye\n') }]), Buffer.alloc(100_000)]);
  expect(await diffIdOf(await decompressed(Readable.from([gzipSync(padded)])), LIMITS)).toBe(`sha256:${hex(padded)}`);
});

test('of an archive that goes on for ever little is inflated', async () => {
  const zeros = gzipSync(Buffer.alloc(1 << 20));
  let given = 0;
  const bomb = function* (): Generator<Buffer> {
    for (; given < 1000; given++) yield zeros;
  };
  await expect(diffIdOf(await decompressed(Readable.from(bomb())), LIMITS)).rejects.toMatchObject({ kind: 'invalid', message: 'the tar archive goes on for more than 1048576 bytes behind its end' });
  expect(given).toBeLessThan(500);
});

test('files that are larger than a layer may be are no layer, and neither is what is no archive', async () => {
  const large = await tarOf([{ path: 'large', body: Buffer.alloc(2 << 20) }]);
  await expect(diffIdOf(Readable.from([large]), LIMITS)).rejects.toMatchObject({ kind: 'invalid', message: 'the tar archive holds more than 1048576 bytes' });
  await expect(diffIdOf(Readable.from([Buffer.alloc(1024, 'x')]), LIMITS)).rejects.toMatchObject({ kind: 'unclassified', message: 'archive/tar: invalid tar header' });
});

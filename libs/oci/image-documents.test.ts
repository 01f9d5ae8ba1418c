import { describe, expect, test } from 'vitest';
import { chainIds, snapshotName } from './chain-id.js';
import { digestOf, hexOf, isDigest } from './digest.js';
import { parseImageConfig } from './image-config.js';
import { parseManifest } from './manifest.js';
import { best, fitness, parsePlatform, type Platform } from './platform.js';

const digest = digestOf('x');
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 3 };
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 3 };

describe('image documents', () => {
  test('a digest that could be a path is none', () => {
    expect(isDigest(digest)).toBe(true);
    expect(() => hexOf('sha256:../../etc/passwd')).toThrow('not a sha256 digest');
  });

  test('a chain id stands for all layers below', () => {
    const [first, second] = chainIds([digest, digest]);
    expect(first).toBe(digest);
    expect(second).toBe(digestOf(`${digest} ${digest}`));
    expect(snapshotName(digest)).toHaveLength(26);
  });

  test('a manifest is read; one that is an index too, or no container image, is refused', () => {
    expect(parseManifest(bytes({ schemaVersion: 2, config, layers: [layer] }))).toMatchObject({ kind: 'manifest', layers: [layer] });
    expect(() => parseManifest(bytes({ schemaVersion: 2, config, layers: [layer], manifests: [] }))).toThrow('index too');
    expect(() => parseManifest(bytes({ schemaVersion: 2, config, layers: [{ ...layer, mediaType: 'text/plain' }] }))).toThrow('media type');
    expect(() => parseManifest(bytes({ schemaVersion: 2, config, layers: [{ ...layer, size: -1 }] }))).toThrow('size');
    expect(() => parseManifest(bytes({ schemaVersion: 2, config, layers: [{ ...layer, digest: 'sha256:..' }] }))).toThrow('digest');
    expect(() => parseManifest(bytes({ schemaVersion: 1 }))).toThrow('not supported');
  });

  test('a configuration is read with its defaults; what is of a wrong type is refused', () => {
    expect(parseImageConfig(bytes({ rootfs: { diff_ids: [digest] }, config: { Cmd: ['sh'], Labels: { a: 'b' } } }))).toMatchObject({ diffIds: [digest], os: 'linux', run: { Cmd: ['sh'], Entrypoint: null, Labels: { a: 'b' } } });
    expect(() => parseImageConfig(bytes({ config: { Cmd: 'sh' } }))).toThrow('config.Cmd');
    expect(() => parseImageConfig(Buffer.from('{'))).toThrow('not JSON');
  });

  test('the platform that fits best is chosen', () => {
    const offer = (text: string): { platform: Platform } => ({ platform: parsePlatform(text) });
    const offers = [offer('linux/arm/v5'), offer('linux/arm/v7'), offer('linux/amd64'), offer('linux/arm64')];
    expect(best(parsePlatform('linux/amd64'), offers)).toBe(offers[2]);
    expect(best(parsePlatform('linux/arm/v6'), offers)).toBe(offers[0]);
    expect(best(parsePlatform('linux/arm64/v8'), offers)).toBe(offers[3]);
    expect(best(parsePlatform('linux/s390x'), offers)).toBeUndefined();
  });

  test.each([
    ['linux/amd64', 'linux/amd64/v2 linux/386', 'linux/386'],
    ['linux/amd64', 'linux/386 linux/amd64', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/386 linux/amd64 linux/amd64/v2 linux/amd64/v4', 'linux/amd64/v2'],
    ['linux/arm64', 'linux/arm/v6 linux/arm/v7', 'linux/arm/v7'],
    ['linux/arm/v7', 'linux/arm64 linux/arm/v5', 'linux/arm/v5'],
    ['linux/386', 'linux/amd64', ''],
  ])('for %s of %s comes what it runs best: %s', (wanted, offered, chosen) => {
    const offers = offered.split(' ').map((text) => ({ text, platform: parsePlatform(text) }));
    expect(best(parsePlatform(wanted), offers)?.text ?? '').toBe(chosen);
  });

  test.each(['linux/amd64/v123456789012', 'linux/arm/v1e99', 'linux/arm64/v90000000', 'linux/arm64/vInfinity'])('%s, whose number no machine has, fits itself alone', (text) => {
    expect([best(parsePlatform(text), [{ platform: parsePlatform('linux/arm/v7') }]), fitness(parsePlatform(text), parsePlatform(text)) > 0]).toEqual([undefined, true]);
  });

  test('an operating system alone is for this machine\'s architecture', () => expect(parsePlatform('windows')).toEqual({ ...parsePlatform('linux'), os: 'windows' }));

  test.each([
    ['linux/*', '"linux/*": wildcards not yet supported: invalid argument'],
    ['li?nux', '"li?nux" is an invalid OS component of "li?nux": OSAndVersion specifier component must match "^([A-Za-z0-9_-]+)(?:\\\\(([A-Za-z0-9_.-]*)\\\\))?$": invalid argument'],
    ['linux/a b', '"a b" is an invalid component of "linux/a b": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument'],
    ['linux/arm/v7/x', '"linux/arm/v7/x": cannot parse platform specifier: invalid argument'],
    ['toaster', '"toaster": unknown operating system or architecture: invalid argument'],
  ])('%s is no platform', (text, message) => expect(() => parsePlatform(text)).toThrow(message));
});

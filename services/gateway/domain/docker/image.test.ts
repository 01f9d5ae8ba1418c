import { describe, expect, test } from 'vitest';
import type { ImageView } from '#contracts/images/images.js';
import { filterImages, imageInspect } from './image.js';

const digest = `sha256:${'a'.repeat(64)}`;
const image = (id: string, repoTags: string[], repoDigests: string[] = []): ImageView => ({ id, repoTags, repoDigests, createdAt: '2026-01-01T00:00:00Z', config: {} }) as unknown as ImageView; // what filters look at
const images = [image('one', ['app:1', 'app:2', 'other:1'], [`app@${digest}`, `other@${digest}`]), image('two', ['host:5000/team/app:1']), image('bare', [], [`app@${digest}`]), image('none', [])];

describe('a filter of references leaves of each image the names that fit, and of the images those that have one', () => {
  test.each([
    ['app', [['one', 'app:1', 'app:2', `app@${digest}`], ['bare', `app@${digest}`]]],
    ['app:2', [['one', 'app:2']]],
    ['o*:1', [['one', 'other:1']]],
    ['*/*/app', [['two', 'host:5000/team/app:1']]],
    [`other@${digest}`, [['one', `other@${digest}`]]],
    ['nothing', []],
  ])('%s', (reference, left) => {
    expect(filterImages(images, new Map([['reference', [reference]]]), 0).map(({ id, repoTags, repoDigests }) => [id, ...repoTags, ...repoDigests])).toEqual(left);
  });
  test('of several one has to fit', () => {
    expect(filterImages(images, new Map([['reference', ['app:1', 'other:*']]]), 0).map(({ repoTags }) => repoTags)).toEqual([['app:1', 'other:1']]);
    expect(() => filterImages(images, new Map([['reference', ['*'.repeat(33 * 1024)]]]), 0)).toThrow('too many or too long');
  });
});

test('until leaves images that were made before', () => {
  const ids = (until: string): string[] => filterImages(images, new Map([['until', [until]]]), Date.parse('2026-01-02T00:00:00Z')).map(({ id }) => id);
  expect([ids('12h').length, ids('36h').length, ids('2026-01-01T00:00:01Z').length, ids('2025-12-31T00:00:00Z').length]).toEqual([4, 0, 4, 0]);
  expect(() => ids('soon')).toThrow('failed to parse value as time or duration: "soon"');
});

test('docker-compose 1 is shown the configuration that it cannot do without in any version', () => {
  const shown = (client?: string) => imageInspect({ config: {}, diffIds: [] } as unknown as ImageView, '1.51', client);
  expect(shown('docker-compose/1.29.2 docker-py/4.1.0 Linux/6.1')).toHaveProperty('ContainerConfig');
  for (const other of [undefined, 'Docker-Client/28.5.2 (linux)', 'compose/v2.40']) expect(shown(other)).not.toHaveProperty('ContainerConfig');
});

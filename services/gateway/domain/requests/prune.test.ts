import { expect, test } from 'vitest';
import type { ImageView } from '#contracts/images/images.js';
import { ANONYMOUS_VOLUME_LABEL, type VolumeView } from '#contracts/volumes/volumes.js';
import { prunableImages, prunableVolumes } from './prune.js';

const NOW = Date.parse('2026-01-02T00:00:00Z');
const image = (id: string, more: Partial<ImageView> = {}): ImageView =>
  ({ id, repoTags: [], createdAt: '2026-01-01T00:00:00Z', config: {}, ...more }) as ImageView; // what pruning looks at
const volume = (name: string, labels = {}): VolumeView => ({ name, driver: 'local', mountpoint: '', createdAt: '', labels, options: {} });
const anonymous = { [ANONYMOUS_VOLUME_LABEL]: '' };
const images = (filters: Record<string, string[]>, ...views: ImageView[]): string[] => prunableImages(views, new Set(['used']), new Map(Object.entries(filters)), NOW).map(({ id }) => id);

test('of images go those without a tag that nobody uses, or all that nobody uses', () => {
  const all = [image('bare'), image('used'), image('tagged', { repoTags: ['a:b'] })];
  expect(images({}, ...all)).toEqual(['bare']);
  expect(images({ dangling: ['false'] }, ...all)).toEqual(['bare', 'tagged']);
});
test('until is a moment or a time that has passed', () => {
  const all = [image('old'), image('new', { createdAt: '2026-01-01T23:00:00Z' })];
  expect(images({ until: ['12h'] }, ...all)).toEqual(['old']);
  expect(images({ until: ['1h30m0s'] }, ...all)).toEqual(['old']);
  expect(images({ until: ['30m'] }, ...all)).toEqual(['old', 'new']);
  expect(images({ until: ['2026-01-01T12:00:00Z'] }, ...all)).toEqual(['old']);
  expect(() => images({ until: ['soon'] }, ...all)).toThrow('failed to parse value as time or duration: "soon"');
});
test('label! keeps what has the label', () => {
  const all = [image('kept', { config: { Labels: { keep: 'yes' } } }), image('other')];
  expect(images({ 'label!': ['keep'] }, ...all)).toEqual(['other']);
  expect(images({ 'label!': ['keep=no'] }, ...all)).toEqual(['kept', 'other']);
  expect(images({ label: ['keep=yes'] }, ...all)).toEqual(['kept']);
});
test('of volumes go those with the label of anonymous ones, all for old clients and where all were asked for', () => {
  const volumes = [volume('named'), volume('made-up', anonymous), volume('said-so', { [ANONYMOUS_VOLUME_LABEL]: 'mine' }), volume('used', anonymous)];
  const names = (filters: Record<string, string[]>, version: string): string[] => prunableVolumes(volumes, new Set(['used']), new Map(Object.entries(filters)), version).map(({ name }) => name);
  expect(names({}, '1.51')).toEqual(['made-up', 'said-so']);
  expect(names({ 'label!': [ANONYMOUS_VOLUME_LABEL] }, '1.51')).toEqual([]);
  expect(names({}, '1.41')).toEqual(['named', 'made-up', 'said-so']);
  expect(names({ all: ['true'] }, '1.51')).toEqual(['named', 'made-up', 'said-so']);
});

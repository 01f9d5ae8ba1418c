import { expect, test } from 'vitest';
import type { ContainerMount } from '#contracts/containers/container-state.js';
import { asVolumePart } from './volume-part.js';

const bind = (source: string): ContainerMount => ({ type: 'bind', source, target: '/x', readOnly: false, mode: '', propagation: 'rprivate' });
const FOLDERS = ['/var/lib/berth/volumes', '/data/volumes'];

test.each([
  ['/var/lib/berth/volumes/one/_data/conf', '/var/lib/berth/volumes/one/_data', 'conf'],
  ['//var/lib/./berth/volumes//one/_data/a/b/', '/var/lib/berth/volumes/one/_data', 'a/b'],
  ['/data/volumes/one/_data/way/../../../two', '/data/volumes/one/_data', 'way/../../../two'],
])('a bind of %s is of a part of the volume', (source, volume, subpath) => {
  expect(asVolumePart(bind(source), FOLDERS)).toEqual({ ...bind(volume), subpath });
});

test.each(['/srv/one/_data/conf', '/var/lib/berth/volumes/one/_data', '/var/lib/berth/volumes/one/other', '/var/lib/berth/volumes/../_data/conf', '/var/lib/berth/volumes'])('one of %s is of the host', (source) => {
  expect(asVolumePart(bind(source), FOLDERS)).toEqual(bind(source));
});

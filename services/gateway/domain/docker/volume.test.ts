import { expect, test } from 'vitest';
import { dockerVolume } from './volume.js';

const view = { name: 'hold', driver: 'local', mountpoint: '/v/hold', createdAt: '2026-01-01T00:00:00Z', labels: {}, options: {} };

test('a volume without labels and options has null for both, as clients that left them out are told by dockerd', () => {
  expect(dockerVolume(view)).toMatchObject({ Labels: null, Options: null });
  expect(dockerVolume({ ...view, labels: { a: 'b' } })).toMatchObject({ Labels: { a: 'b' }, Options: null });
});

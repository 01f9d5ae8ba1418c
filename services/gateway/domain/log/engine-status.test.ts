import { expect, test } from 'vitest';
import { engineStatus } from './engine-status.js';
import { chronicleOf, created, log, started } from './testing/log-of-web.js';

test('status counts what is there', () => {
  expect(engineStatus(chronicleOf(log(created, ...started)).chronicle, 9, ['nats', 'executor', 'engine'], ['nats', 'engine'])).toMatchObject({
    position: 9, commits: 3, containersByStatus: { running: 1 }, commitsByAggregate: { container: 3 }, ready: ['nats', 'engine'], notReady: ['executor'],
  });
});

import { expect, test } from 'vitest';
import { matches } from '../aggregate-subject.js';
import { MemoryEventStore } from './memory-event-store.js';
import { eventStoreSuite } from './event-store-suite.js';

eventStoreSuite('memory event store', async () => new MemoryEventStore());

test.each([
  ['berth.event.a.>', 'berth.event.a.1', true],
  ['berth.event.a.>', 'berth.event.a', false],
  ['berth.event.*.1', 'berth.event.a.1', true],
  ['berth.event.a.1', 'berth.event.a.1', true],
  ['berth.event.a', 'berth.event.a.1', false],
])('%s and %s: %s', (filter, subject, expected) => expect(matches(filter, subject)).toBe(expected));

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { OutputsUnderWay } from './outputs-under-way.js';

const HOUR_MS = 3_600_000;
const settles = (sent: Promise<void>): Promise<string> => Promise.race([sent.then(() => 'sent'), new Promise<string>((resolve) => setImmediate(() => setImmediate(() => resolve('under way'))))]);

test('what a run printed is waited for until all of its clients have it, or are gone', async () => {
  const outputs = new OutputsUnderWay(HOUR_MS);
  const [one, other] = [new PassThrough(), new PassThrough()];
  outputs.add('c', 2, one);
  outputs.add('c', 2, other);
  const sent = outputs.sent('c', 2);
  one.end('last');
  expect(await settles(sent)).toBe('under way');
  other.destroy();
  await sent;
  expect(await settles(outputs.sent('c', 2))).toBe('sent');
});

test('nobody waits for what is attached to a later run, or another container, nor longer than is patient', async () => {
  const outputs = new OutputsUnderWay(HOUR_MS);
  outputs.add('c', 3, new PassThrough());
  expect(await settles(outputs.sent('c', 2))).toBe('sent');
  expect(await settles(outputs.sent('d', 3))).toBe('sent');
  const impatient = new OutputsUnderWay(1);
  impatient.add('c', 3, new PassThrough());
  await impatient.sent('c', 3);
});

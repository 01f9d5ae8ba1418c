import { expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { bytesLeftBy } from './flat-memory.js';

test('twenty thousand containers that came and went leave nothing in memory', async () => {
  expect(await bytesLeftBy(20_000), 'bytes a container').toBeLessThan(16);
}, patience(300_000));

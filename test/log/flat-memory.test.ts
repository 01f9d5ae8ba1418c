import { expect, test } from 'vitest';
import { bytesLeftBy } from './flat-memory.js';

test('three thousand containers that came and went are not in memory any more', async () => {
  // As much as anything else may take: twenty thousand of them tell better (flat-memory.long.test.ts).
  expect(await bytesLeftBy(3_000), 'bytes a container').toBeLessThan(1_000);
}, 120_000);

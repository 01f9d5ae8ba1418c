import { expect, test } from 'vitest';
import type { ReceivedSpan } from './otlp-receiver.js';
import { merged, traceTrees, waterfall } from './waterfall.js';

const span = (spanId: string, parentSpanId: string, name: string, startMs: number, endMs: number, failed = false): ReceivedSpan => ({
  traceId: 't', spanId, parentSpanId, name, service: 's', start: BigInt(startMs * 1e6), end: BigInt(endMs * 1e6), failed, attributes: {},
});

test('a trace reads from the request down to the steps, each at its time', () => {
  const spans = [span('4', '2', 'mask_path', 1_006, 1_007), span('3', '2', 'mask_path', 1_005, 1_006), span('2', '1', 'plan', 1_004, 1_008), span('1', '0', 'start', 1_000, 1_010), span('5', '1', 'broken', 1_008, 1_010, true)];
  expect(waterfall(merged(traceTrees(spans)), 10).split('\n').map((line) => line.trimEnd())).toEqual([
    '               at ms   took ms  what [service]',
    '██████████      0.00     10.00  start  [s]',
    '    ████        4.00      4.00    plan  [s]',
    '     ██         5.00      2.00      mask_path ×2  [s]',
    '        xx      8.00      2.00    broken  [s]',
  ]);
});

test('spans whose parent is lost are shown, too', () => {
  expect(traceTrees([span('2', 'lost', 'b', 5, 6), span('1', '', 'a', 1, 9)]).map(({ name, startMs }) => [name, startMs])).toEqual([['a', 0], ['b', 4]]);
  expect(traceTrees([])).toEqual([]);
  expect(waterfall([])).toContain('what');
});

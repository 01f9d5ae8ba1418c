import { expect, test } from 'vitest';
import { Exposition, labelText } from './exposition.js';
import { Histogram } from './histogram.js';
import { sampledTrace, Timer } from './measured.js';

const written = (format: 'text' | 'openmetrics', write: (out: Exposition) => void): string => {
  const out = new Exposition(format);
  write(out);
  return String(out.bytes());
};

test('a family without a sample is left out', () => {
  expect(written('text', (out) => out.family('a', 'gauge', 'A.').family('b', 'gauge', 'B.').sample('', 1))).toBe('# HELP b B.\n# TYPE b gauge\nb 1\n');
});

test('label values may hold anything', () => {
  expect(labelText({ name: 'a"b\\c\nd', state: '' })).toBe('name="a\\"b\\\\c\\nd",state=""');
});

test('numbers beyond all bounds are written as the format wants them', () => {
  expect(written('text', (out) => out.family('a', 'gauge', 'A.').sample('', Infinity))).toContain('a +Inf\n');
});

test('numbers are written as JavaScript writes them, texts in UTF-8, whatever of them is longer than a page was', () => {
  const numbers = [0, -0, 7, 10, 99, 100, 4_294_967_296, 999_999_999_999_999, 1e15, 2 ** 63, 1e21, -1, 0.1, 1e-7, 12.345678901000002, NaN];
  for (const number of numbers) expect(written('text', (out) => out.family('a', 'gauge', 'A.').sample('', number))).toContain(`\na ${String(number)}\n`);
  const [short, long] = ['é', '\u{1F6A2}'.repeat(50_000)];
  const lines = written('text', (out) => {
    out.family('a', 'gauge', 'A.').sample(labelText({ name: short }), 1);
    out.sample(Buffer.from(labelText({ name: long })), 2, `device="/dev/${short}"`);
    out.append('# appended\n');
  });
  expect(lines).toBe(`# HELP a A.\n# TYPE a gauge\na{name="${short}"} 1\na{name="${long}",device="/dev/${short}"} 2\n# appended\n`);
});

test('OpenMetrics names a counter without its suffix, and calls one that has none unknown', () => {
  const write = (out: Exposition): void => {
    out.family('a_total', 'counter', 'A.').sample('', 1);
    out.family('container_memory_failcnt', 'counter', 'B.').sample('', 2);
  };
  expect(written('openmetrics', write)).toBe('# HELP a A.\n# TYPE a counter\na_total 1\n# HELP container_memory_failcnt B.\n# TYPE container_memory_failcnt unknown\ncontainer_memory_failcnt 2\n# EOF\n');
  expect(written('text', write)).toContain('# TYPE container_memory_failcnt counter\n');
});

test('buckets are cumulative, a value on a bound is within it, and an exemplar stands at the bucket it fell into', () => {
  const histogram = new Histogram([1, 2]);
  histogram.observe(1);
  histogram.observe(1.5, { traceId: 'abc', atSeconds: 10 });
  histogram.observe(9);
  histogram.observe(-1);
  const lines = ['h_bucket{x="y",le="1"} 2', 'h_bucket{x="y",le="2"} 3', 'h_bucket{x="y",le="+Inf"} 4', 'h_sum{x="y"} 11.5', 'h_count{x="y"} 4'];
  const write = (out: Exposition): void => out.family('h', 'histogram', 'H.').histogram('x="y"', histogram);
  expect(written('text', write)).toBe(`# HELP h H.\n# TYPE h histogram\n${lines.join('\n')}\n`);
  expect(written('openmetrics', write)).toContain(`${lines[1]} # {trace_id="abc"} 1.5 10\n`);
});

test('a timer shows what it knows before anything was measured, and measures what goes well', async () => {
  const timer = new Timer('t', 'T.', [{ action: 'start' }], [1]);
  expect(written('text', (out) => timer.write(out))).toContain('t_count{action="start"} 0\n');
  await expect(timer.time({ action: 'start' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await timer.time({ action: 'start' }, async () => 7)).toBe(7);
  expect(written('text', (out) => timer.write(out))).toContain('t_count{action="start"} 1\n');
});

test('only a trace that is recorded is worth naming', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  expect(sampledTrace(`00-${trace}-b7ad6b7169203331-01`)).toBe(trace);
  expect(sampledTrace(`00-${trace}-b7ad6b7169203331-00`)).toBeUndefined();
  expect(sampledTrace(undefined)).toBeUndefined();
});

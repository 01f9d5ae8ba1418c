import { afterEach, expect, test } from 'vitest';
import { monotonicNow } from './monotonic-clock.js';
import { OtlpReceiver, type ReceivedSpan } from './testing/otlp-receiver.js';
import { startTracing, wantsTraces } from './start-tracing.js';
import { formatTraceparent, parseTraceparent } from './trace-context.js';
import { causedHere, currentSpan, inSpan, isTracing, startSpan, stopTracing, traced, traceMethods } from './tracing.js';

const saved = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
afterEach(() => {
  if (saved === undefined) delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  else process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = saved;
});

/** The spans that `work` leaves, by name. */
async function spansOf(work: () => Promise<unknown>): Promise<ReadonlyMap<string, ReceivedSpan>> {
  const receiver = await OtlpReceiver.open();
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.endpoint; // read by the exporter itself
  try {
    await startTracing('test');
    await work();
    await stopTracing();
    return new Map(receiver.spans.map((span) => [span.name, span]));
  } finally {
    await receiver.close();
  }
}

test('off, nothing is touched and nothing is there', () => {
  const parts = { step: () => currentSpan() };
  const { step } = parts;
  traceMethods(parts, { step: 'step' });
  expect(parts.step).toBe(step);
  expect([isTracing(), startSpan('x'), traced('x', () => 7), parts.step()]).toEqual([false, undefined, 7, undefined]);
  const cause = { traceparent: 'as it came' };
  expect(causedHere(cause)).toBe(cause);
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x' }, true],
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_SDK_DISABLED: 'true' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_TRACES_EXPORTER: 'none' }, false],
])('the standard variables say whether there are traces: %j', (environment, wanted) => expect(wantsTraces(environment)).toBe(wanted));

test('what is awaited in a span belongs to it, also by methods that know nothing of it', async () => {
  const parts = { step: () => Promise.resolve(1), broken: () => Promise.reject(new Error('password=hunter2 is wrong')) };
  const spans = await spansOf(async () => {
    traceMethods(parts, { step: 'a step', broken: 'a broken step' });
    await traced('all', async () => {
      await parts.step();
      await expect(parts.broken()).rejects.toThrow('hunter2');
      traced('at once', () => 1);
    }, { service: 'containers' });
  });
  const all = spans.get('all');
  for (const name of ['a step', 'a broken step', 'at once']) expect(spans.get(name)).toMatchObject({ traceId: all?.traceId, parentSpanId: all?.spanId, service: 'containers', failed: name === 'a broken step' });
  expect(all).toMatchObject({ parentSpanId: '', failed: false });
});

test('what happens a minute after its span has ended is a trace of its own', async () => {
  const spans = await spansOf(async () => {
    const start = startSpan('start');
    start?.end(monotonicNow() - 59_000_000_000n);
    if (start) inSpan(start, () => startSpan('soon')?.end());
    const long = startSpan('long ago');
    long?.end(monotonicNow() - 61_000_000_000n);
    if (long) inSpan(long, () => startSpan('exit')?.end());
  });
  expect(spans.get('soon')?.parentSpanId).toBe(spans.get('start')?.spanId);
  expect(spans.get('exit')?.parentSpanId).toBe('');
  expect(spans.get('exit')?.traceId).not.toBe(spans.get('long ago')?.traceId);
});

test('a traceparent is read as the specification has it, and what is none is ignored', () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  expect(parseTraceparent(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-02`)?.sampled).toBe(false);
  for (const text of [undefined, '', `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`, `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`]) {
    expect(parseTraceparent(text)).toBeUndefined();
  }
});

import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseTraceparent } from '#libs/telemetry/trace-context.js';
import { OtlpReceiver, type ReceivedSpan } from '#libs/telemetry/testing/otlp-receiver.js';
import { openLog } from '../engine/operator-log.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

let receiver: OtlpReceiver;
let engine: TestEngine;
beforeAll(async () => {
  receiver = await OtlpReceiver.open();
  engine = await startEngine({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' });
  await engine.loadBusybox();
});
afterAll(async () => {
  await engine?.stop();
  await receiver?.close();
});

/** The trace that holds a span of this container's, once spans with all these names have come, and where `orphans` is given, all parents but so many: each process sends its spans in its own time. */
async function traceOf(matches: (span: ReceivedSpan) => boolean, names: readonly string[], orphans?: number): Promise<readonly ReceivedSpan[]> {
  const of = (spans: readonly ReceivedSpan[]) => spans.filter(({ traceId }) => spans.some((span) => span.traceId === traceId && matches(span)));
  const isWhole = (trace: readonly ReceivedSpan[]): boolean => orphans === undefined || firstOf(trace).length === orphans;
  return of(await receiver.until((spans) => names.every((wanted) => of(spans).some(({ name }) => name === wanted)) && isWhole(of(spans))));
}

const firstOf = (trace: readonly ReceivedSpan[]): readonly ReceivedSpan[] => trace.filter(({ parentSpanId }) => !trace.some(({ spanId }) => spanId === parentSpanId));

const named = (trace: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = trace.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name} in ${trace.map((span) => span.name).join(', ')}`);
  return found;
};

/** From a span up to the first of its trace. */
function ancestors(trace: readonly ReceivedSpan[], span: ReceivedSpan): string[] {
  const parent = trace.find(({ spanId }) => spanId === span.parentSpanId);
  return parent === undefined ? [] : [parent.name, ...ancestors(trace, parent)];
}

test('one docker run is one trace, from the HTTP request to the steps of the plan and execve', async () => {
  const id = (await engine.docker(['run', '-d', '--name', 'traced', 'busybox', 'true'])).stdout.trim();
  const trace = await traceOf(({ attributes }) => attributes['berth.container.id'] === id, ['docker', 'exec', 'POST /containers/:id/start', 'container RecordExited', 'pool Release'], 1);
  expect(new Set(trace.map(({ traceId }) => traceId)).size).toBe(1);
  expect(firstOf(trace).map(({ name }) => name)).toEqual(['docker']);
  expect(ancestors(trace, named(trace, 'exec'))).toEqual([
    'plan', 'handle executor launch-task', 'executor launch-task', 'handle containers start', 'containers start', 'POST /containers/:id/start', 'docker',
  ]);
  expect(new Set(trace.map(({ service }) => service))).toEqual(new Set(['client', 'gateway', 'containers', 'images', 'networks', 'executor']));
  for (const step of ['images hold', 'networks allocate-endpoint', 'name Claim', 'decide', 'append', 'sandbox', 'files', 'endpoint', 'fork shim', 'clone', 'join_cgroups', 'overlay_root', 'pivot_root', 'seccomp']) named(trace, step);

  const plan = named(trace, 'plan');
  const steps = trace.filter(({ parentSpanId }) => parentSpanId === plan.spanId);
  expect(steps.length).toBeGreaterThan(50);
  for (const { start, end } of steps) expect(start >= plan.start && end >= start && end <= plan.end).toBe(true);
  const launch = named(trace, 'handle executor launch-task');
  expect(plan.start > launch.start && plan.end < launch.end).toBe(true);

  // What the log says of the cause is the same trace.
  const store = await openLog(engine.settings);
  const traced = new Set<string | undefined>();
  await store.replay([`berth.event.container.${id}`, `berth.event.task.${id}-1`], 0, ({ cause, events }) => {
    if (events.every(({ type }) => ['ContainerCreated', 'StartRequested', 'TaskRequested', 'TaskStarted'].includes(type))) traced.add(parseTraceparent(cause.traceparent)?.traceId);
  });
  await store.close();
  expect([...traced]).toEqual([launch.traceId]);
});

test('the trace that a client began goes on, and one that it does not want is not recorded', async () => {
  const [wanted, unwanted] = ['1'.repeat(32), '2'.repeat(32)];
  await ask('GET', '/containers/json', { traceparent: `00-${unwanted}-${'a'.repeat(16)}-00` });
  await ask('GET', '/containers/json', { traceparent: `00-${wanted}-${'a'.repeat(16)}-01` });
  const trace = await traceOf(({ traceId }) => traceId === wanted, ['GET /containers/json', 'handle containers list']);
  expect(named(trace, 'GET /containers/json')).toMatchObject({ parentSpanId: 'a'.repeat(16), attributes: { 'url.path': '/containers/json', 'http.response.status_code': 200 } });
  expect(receiver.spans.some(({ traceId }) => traceId === unwanted)).toBe(false);
});

test('an exec is timed step by step; a start that fails says where', async () => {
  await engine.docker(['run', '-d', '--name', 'host', 'busybox', 'sleep', '1000']);
  expect((await engine.docker(['exec', 'host', 'true'])).code).toBe(0);
  const exec = await traceOf(({ name }) => name === 'handle executor launch-exec', ['exec', 'POST /exec/:id/start']);
  expect(ancestors(exec, named(exec, 'exec')).slice(0, 3)).toEqual(['plan', 'handle executor launch-exec', 'executor launch-exec']);
  named(exec, 'join_task');

  const { code } = await engine.docker(['run', '--name', 'lost', 'busybox', 'no-such-command']);
  expect(code).toBe(127);
  const failed = await traceOf(({ name, failed: isFailed }) => isFailed && name === 'handle executor launch-task', ['exec', 'POST /containers/:id/start']);
  for (const name of ['executor launch-task', 'handle containers start', 'containers start']) expect(failed.some((span) => span.name === name && span.failed)).toBe(true);
});

function ask(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: engine.socket, method, path, headers }, (answer) => void text(answer).then(resolve, reject)).on('error', reject).end();
  });
}

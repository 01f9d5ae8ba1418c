import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { OtlpReceiver, type ReceivedSpan } from '#libs/telemetry/testing/otlp-receiver.js';
import { merged, traceTrees, waterfall } from '#libs/telemetry/testing/waterfall.js';
import { startEngine, type TestEngine } from '../engine/engine.js';

const USAGE = `usage: npm run trace [-- [--json] [--steps] [--cold] [-- DOCKER-ARGUMENTS]]

Runs a container on an engine of its own and shows where its time goes, from the HTTP request to each step of the plan.
  --steps  every step of the plan for itself; without it, neighbours of one kind are one line
  --cold   the first run after the engine's start; without it, the tenth
  --json   the spans as a tree
DOCKER-ARGUMENTS: run --rm busybox true`;

/** What `npm run trace` does; run.mjs has brought everything it needs. */
async function main(): Promise<void> {
  const { values: options, positionals } = readArguments();
  if (options.help) return console.log(USAGE);
  const command = positionals.length > 0 ? positionals : ['run', '--rm', 'busybox', 'true'];
  await using ends = new AsyncDisposableStack();
  const receiver = await OtlpReceiver.open();
  ends.defer(() => receiver.close());
  const engine = await startEngine({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_BSP_MAX_QUEUE_SIZE: '20000' });
  ends.defer(() => engine.stop());
  await engine.loadBusybox();
  for (let round = 0; round < 9 && !options.cold; round++) await run(engine, receiver, command);
  const trees = traceTrees(await run(engine, receiver, command));
  const shown = options.steps ? trees : merged(trees);
  console.log(options.json ? JSON.stringify(shown, undefined, 2) : waterfall(shown));
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, steps: { type: 'boolean' }, cold: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
}

/** Two batches of spans (OTEL_BSP_SCHEDULE_DELAY): what ends a moment after the CLI belongs to its run, too. */
const SETTLE_MS = 250;

/** Runs the command and resolves to the spans of its trace. */
async function run(engine: TestEngine, receiver: OtlpReceiver, command: readonly string[]): Promise<readonly ReceivedSpan[]> {
  receiver.spans.length = 0;
  const { code, stderr } = await engine.docker(command);
  if (stderr !== '') process.stderr.write(stderr);
  if (code !== 0) process.stderr.write(`docker ${command.join(' ')} ended with ${code}\n`);
  // The trace with a plan in it, whole when the span of the CLI has come, and the parent of every other.
  const spansOf = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] => {
    const traceId = spans.find(({ name }) => name === 'plan')?.traceId;
    return spans.filter((span) => span.traceId === traceId);
  };
  const isWhole = (spans: readonly ReceivedSpan[]): boolean => {
    const known = new Set(spans.map(({ spanId }) => spanId));
    return spans.some(({ service }) => service === 'client') && spans.every(({ service, parentSpanId }) => service === 'client' || known.has(parentSpanId));
  };
  await receiver.until((spans) => isWhole(spansOf(spans)));
  await sleep(SETTLE_MS);
  return spansOf(receiver.spans);
}

await main();

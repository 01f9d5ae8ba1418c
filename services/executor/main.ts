import 'reflect-metadata';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { foldsFollow, logAnswers } from '#libs/event-store/log-checks.js';
import { connectEventStore } from '#libs/event-store/jetstream-event-store.js';
import { LogFeed } from '#libs/event-store/log-feed.js';
import { LogReserve } from '#libs/event-store/log-reserve.js';
import { natsOptions, startMicroservice } from '#libs/messaging/service.js';
import { endAtSignal } from '#libs/service-process/end-at-signal.js';
import { readCredentials } from '#libs/settings/credentials.js';
import { readSettings } from '#libs/settings/engine-settings.js';
import { logLimitBytes } from '#libs/settings/log-limit.js';
import { readyFile } from '#libs/settings/run-root.js';
import { writeLog, writeLogUse } from '#libs/telemetry/metrics/log-source.js';
import { metricsPage, type MetricsSource } from '#libs/telemetry/metrics/page.js';
import { startLogging } from '#libs/telemetry/start-logging.js';
import { startTelemetry } from '#libs/telemetry/process-telemetry.js';
import { writeProcess } from '#libs/telemetry/metrics/process-metrics.js';
import { startTracing } from '#libs/telemetry/start-tracing.js';
import { stopTracing } from '#libs/telemetry/tracing.js';
import { isHeld } from './adapters/trees/tree-threads.js';
import { ExecutorParts } from './executor-parts.js';
import { ExecutorModule } from './executor.module.js';

const ROUND_MS = 1000;

const settings = readSettings(process.env);
startLogging('executor', settings.logLevel);
const ready = readyFile(settings, 'executor');
rmSync(ready, { force: true });
await startTracing('executor');
const telemetry = await startTelemetry(settings, 'executor', 0);
let started = false;
telemetry.health.add('executor', { started: () => (started ? undefined : 'is starting') });
const credentials = readCredentials(settings, 'executor');
/** It alone writes what it must know at once: what others append can come in rounds. */
const feed = await LogFeed.connectInRounds({ ...natsOptions(credentials), name: 'executor' }, ROUND_MS);
const limit = logLimitBytes(settings);
const store = await connectEventStore({ ...natsOptions(credentials), source: 'executor', reserve: LogReserve.in(`${settings.dataRoot}/executor`, settings), limit }, feed);
// The run root's group is that of all unprivileged services: they may open streams.
const group = statSync(settings.runRoot).gid;
const parts = new ExecutorParts({ store, settings }, group);
telemetry.health.add(
  'executor',
  { started: () => (started ? undefined : 'is starting'), log: logAnswers(store), zygote: () => parts.zygote.trouble() },
  { folds: foldsFollow(store) },
);
const app = await startMicroservice(ExecutorModule.for(parts), credentials);
started = true;
const stores = new Map([['executor', store]]);
const sources: MetricsSource[] = [(out) => parts.writeMetrics(out), (out) => writeLog(stores, limit, out), (out) => writeLogUse(stores, out), writeProcess];
// dockerd has these on its own page: the engine fetches them.
telemetry.routes.set('/metrics/logs', (_query, accept) => metricsPage([(out) => parts.logs.write(out)], accept));
telemetry.routes.set('/metrics', (_query, accept) => metricsPage(sources, accept));
writeFileSync(ready, readFileSync('/proc/self/stat'));
endAtSignal({ closers: [stopTracing, () => telemetry.close(), () => store.close(), () => feed.close(), () => app.close()], log: store, connections: [store, feed], isHeld: () => isHeld() || parts.binds.isWaiting });

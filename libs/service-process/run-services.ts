import 'reflect-metadata';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { foldsFollow, logAnswers } from '#libs/event-store/log-checks.js';
import { connectEventStore, type JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';
import { LogFeed } from '#libs/event-store/log-feed.js';
import { LogReserve } from '#libs/event-store/log-reserve.js';
import { LocalServices } from '#libs/messaging/local-services.js';
import { connectBus, natsOptions } from '#libs/messaging/service.js';
import { readCredentials } from '#libs/settings/credentials.js';
import { readSettings } from '#libs/settings/engine-settings.js';
import { logLimitBytes } from '#libs/settings/log-limit.js';
import { readyFile } from '#libs/settings/run-root.js';
import { type ServiceName, stateFolder } from '#libs/settings/services.js';
import { writeLog, writeLogUse } from '#libs/telemetry/metrics/log-source.js';
import type { MetricsSource } from '#libs/telemetry/metrics/page.js';
import { startTelemetry } from '#libs/telemetry/process-telemetry.js';
import { startLogging } from '#libs/telemetry/start-logging.js';
import { startTracing } from '#libs/telemetry/start-tracing.js';
import { stopTracing } from '#libs/telemetry/tracing.js';
import { endAtSignal } from './end-at-signal.js';
import type { HostedService } from './hosted-service.js';
import { showProcess } from './shown-process.js';

/**
 * A process that holds `services`, started in this order and stopped in the opposite one, each on connections of its own with its own credentials; they share
 * the feed of the log, which each of them may read. Reads its settings from the environment, says by a file (`readyFile`) that all are up, and ends at SIGTERM.
 * Rejects where the bus, or what a service needs, is not to be had.
 */
export async function runServices(name: string, services: readonly HostedService[]): Promise<void> {
  const settings = readSettings(process.env);
  const ready = readyFile(settings, name);
  startLogging(name, settings.logLevel);
  process.on('SIGHUP', () => undefined); // means something once the gateway is there
  await startTracing(name);
  rmSync(ready, { force: true });
  const telemetry = await startTelemetry(settings, name, settings.metricsPort);
  /** Services that have not come up yet are not ready. */
  const starting = new Set<ServiceName>(services.map((service) => service.name));
  const hasStarted = (service: ServiceName) => () => (starting.has(service) ? 'is starting' : undefined);
  for (const service of starting) telemetry.health.add(service, { started: hasStarted(service) });
  const closers: (() => Promise<unknown>)[] = [() => telemetry.close(), stopTracing];
  const connections: { close(): Promise<unknown> }[] = [];
  const stores = new Map<string, JetStreamEventStore>();
  const sources: MetricsSource[] = [];

  /** What happens comes to this process once. */
  const feed = await LogFeed.connect(natsOptions(readCredentials(settings, [...starting].at(-1) ?? name)));
  closers.push(() => feed.close());
  connections.push(feed);
  const local = new LocalServices();
  const limit = logLimitBytes(settings);
  for (const service of services) {
    const credentials = readCredentials(settings, service.name);
    const store = await connectEventStore({ ...natsOptions(credentials), source: service.name, reserve: LogReserve.in(stateFolder(settings, service.name), settings), limit }, feed);
    stores.set(service.name, store);
    const bus = await connectBus(credentials, local);
    const checks = [{ started: hasStarted(service.name), log: logAnswers(store) }, { folds: foldsFollow(store) }] as const;
    telemetry.health.add(service.name, ...checks);
    closers.push(
      () => store.close(),
      () => bus.close(),
    );
    connections.push(store, bus);
    const { metrics, routes = {}, remarks = {}, close } = await service.start({ settings, store, bus, local });
    closers.push(close);
    telemetry.health.add(service.name, ...checks, remarks);
    sources.push(...metrics);
    for (const [path, route] of Object.entries(routes)) telemetry.routes.set(path, route);
    starting.delete(service.name);
  }
  showProcess(name, settings, telemetry, [...sources, (out) => writeLogUse(stores, out)], (out) => writeLog(stores, limit, out));
  writeFileSync(ready, readFileSync('/proc/self/stat'));

  const [log] = stores.values();
  if (log !== undefined) endAtSignal({ closers, log, connections });
}

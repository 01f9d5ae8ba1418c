import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import { foldsFollow, logAnswers } from '#libs/event-store/log-checks.js';
import { connectEventStore, type JetStreamEventStore } from '#libs/event-store/jetstream-event-store.js';
import { LogFeed } from '#libs/event-store/log-feed.js';
import { connectBus, natsOptions, type ServiceDependencies, startMicroservice } from '#libs/messaging/service.js';
import { readCredentials } from '#libs/settings/credentials.js';
import { type EngineSettings, readSettings } from '#libs/settings/engine-settings.js';
import { writeLog } from '#libs/telemetry/metrics/log-source.js';
import type { MetricsSource } from '#libs/telemetry/metrics/page.js';
import { startLogging } from '#libs/telemetry/start-logging.js';
import { startTelemetry } from '#libs/telemetry/process-telemetry.js';
import { writeProcess } from '#libs/telemetry/metrics/process-metrics.js';
import { startTracing } from '#libs/telemetry/start-tracing.js';
import { stopTracing } from '#libs/telemetry/tracing.js';
import { HealthProbes } from '../containers/application/health-probes.js';
import { LifecycleSource } from '../containers/application/lifecycle-source.js';
import { ContainersModule } from '../containers/containers.module.js';
import { startGateway } from '../gateway/start-gateway.js';
import { PullOneImage } from '../images/application/pull-image.js';
import { ImagesModule } from '../images/images.module.js';
import { Endpoints } from '../networks/application/endpoints.js';
import { NetworksModule } from '../networks/networks.module.js';
import { VolumesModule } from '../volumes/volumes.module.js';
import { metricsRoutes } from './engine-metrics.js';

/** All unprivileged services in one process, each on connections of its own with its own credentials; they share the feed of the log, which each of them may read. */
const settings = readSettings(process.env);
startLogging('engine', settings.logLevel);
process.on('SIGHUP', () => undefined); // means something once the gateway is there
await startTracing('engine');
const telemetry = await startTelemetry(settings, 'engine', settings.metricsPort);
/** Services that have not come up yet are not ready. */
const starting = new Set(['volumes', 'images', 'networks', 'containers', 'gateway']);
const hasStarted = (user: string) => () => (starting.has(user) ? 'is starting' : undefined);
for (const user of starting) telemetry.health.add(user, { started: hasStarted(user) });
const stores = new Map<string, JetStreamEventStore>();
const closers: (() => Promise<unknown>)[] = [() => telemetry.close(), stopTracing];

/** What happens comes to this process once. */
const feed = await LogFeed.connect(natsOptions(readCredentials(settings, 'gateway')));
closers.push(() => feed.close());

async function dependencies(user: string): Promise<ServiceDependencies<EngineSettings>> {
  const credentials = readCredentials(settings, user);
  const store = await connectEventStore({ ...natsOptions(credentials), source: user }, feed);
  stores.set(user, store);
  const bus = await connectBus(credentials);
  telemetry.health.add(user, { started: hasStarted(user), log: logAnswers(store) }, { folds: foldsFollow(store) });
  closers.push(
    () => store.close(),
    () => bus.close(),
  );
  return { settings, store, bus };
}

async function startService(user: string, module: (deps: ServiceDependencies<EngineSettings>) => DynamicModule): Promise<INestMicroservice> {
  const app = await startMicroservice(module(await dependencies(user)), readCredentials(settings, user));
  closers.push(() => app.close());
  starting.delete(user);
  return app;
}

await startService('volumes', (deps) => VolumesModule.for(deps));
const images = await startService('images', (deps) => ImagesModule.for(deps));
const networks = await startService('networks', (deps) => NetworksModule.for(deps));
const containers = await startService('containers', (deps) => ContainersModule.for(deps));
const gateway = await startGateway(await dependencies('gateway'));
closers.push(() => gateway.close());
starting.delete('gateway');
const sources = [
  gateway.metrics,
  (out) => networks.get(Endpoints).actions.write(out),
  (out) => containers.get(LifecycleSource).write(out),
  (out) => containers.get(HealthProbes).metrics.write(out),
  (out) => images.get(PullOneImage).metrics.write(out),
  (out) => writeLog(stores, out),
  writeProcess,
] satisfies MetricsSource[];
telemetry.routes.set('/annotations', gateway.annotations);
for (const [path, route] of metricsRoutes(sources, settings.runRoot)) telemetry.routes.set(path, route);
writeFileSync(`${settings.runRoot}/ready/engine`, readFileSync('/proc/self/stat'));

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void (async () => {
      for (const close of closers.reverse()) await close().catch(() => undefined);
      process.exit(0);
    })();
  });
}

import { commitsAreSynced } from '#libs/event-store/log-checks.js';
import { busService } from '#libs/service-process/hosted-service.js';
import { logger } from '#libs/telemetry/logger.js';
import { HealthProbes } from './application/health/health-probes.js';
import { LifecycleSource } from './application/lifecycle/lifecycle-source.js';
import { ContainersModule } from './containers.module.js';

export const containersService = busService(
  'containers',
  (deps) => ContainersModule.for(deps),
  (app) => [(out) => app.get(LifecycleSource).write(out), (out) => app.get(HealthProbes).metrics.write(out)],
  // One service tells it for all: they are on the same log.
  (_app, { natsEmbedded }) => (natsEmbedded ? {} : { sync: commitsAreSynced(process.env['BERTH_NATS_MONITOR'] || undefined, (warning) => logger('containers').warn(warning)) }),
);

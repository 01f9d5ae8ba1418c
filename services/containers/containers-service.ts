import { busService } from '#libs/service-process/hosted-service.js';
import { HealthProbes } from './application/health/health-probes.js';
import { LifecycleSource } from './application/lifecycle/lifecycle-source.js';
import { ContainersModule } from './containers.module.js';

export const containersService = busService('containers', (deps) => ContainersModule.for(deps), (app) => [
  (out) => app.get(LifecycleSource).write(out),
  (out) => app.get(HealthProbes).metrics.write(out),
]);

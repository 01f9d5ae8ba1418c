import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import type { LocalServices } from '#libs/messaging/local-services.js';
import { startMicroservice, type ServiceDependencies } from '#libs/messaging/service.js';
import { readCredentials } from '#libs/settings/credentials.js';
import type { EngineSettings } from '#libs/settings/engine-settings.js';
import type { ServiceName } from '#libs/settings/services.js';
import type { Check } from '#libs/telemetry/health.js';
import type { MetricsSource } from '#libs/telemetry/metrics/page.js';
import type { TelemetryRoute } from '#libs/telemetry/telemetry-server.js';

/** A service as a process holds it, alone or with others. */
export interface HostedService {
  readonly name: ServiceName;
  /** Resolves once it takes requests. What it is given is the process's to close, after the service. */
  start(dependencies: HostedDependencies): Promise<RunningService>;
}

/** `local`: all services of its process, for each other. */
export type HostedDependencies = ServiceDependencies<EngineSettings> & { readonly local: LocalServices };

export interface RunningService {
  /** Its own families of /metrics. */
  readonly metrics: readonly MetricsSource[];
  /** What it shows beside them, by path. */
  readonly routes?: Readonly<Record<string, TelemetryRoute>>;
  /** What its readiness is to tell, and does not fail for. */
  readonly remarks?: Readonly<Record<string, Check>>;
  close(): Promise<unknown>;
}

/** A service whose requests come over the bus, or from its own process. */
export function busService(
  name: ServiceName,
  module: (dependencies: ServiceDependencies<EngineSettings>) => DynamicModule,
  metricsOf: (app: INestMicroservice) => readonly MetricsSource[],
  remarksOf: (app: INestMicroservice, settings: EngineSettings) => Readonly<Record<string, Check>> = () => ({}),
): HostedService {
  return {
    name,
    async start(dependencies) {
      const app = await startMicroservice(module(dependencies), readCredentials(dependencies.settings, name), dependencies.local);
      return { metrics: metricsOf(app), remarks: remarksOf(app, dependencies.settings), close: () => app.close() };
    },
  };
}

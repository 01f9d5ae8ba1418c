import type { EngineSettings } from '#libs/settings/engine-settings.js';
import { Health } from './health.js';
import { serveTelemetry, type TelemetryRoute } from './telemetry-server.js';
import { telemetrySocket } from './telemetry-socket.js';

/** What one process shows of itself: routes, filled as its services come up, and their health. */
export interface ProcessTelemetry {
  readonly routes: Map<string, TelemetryRoute>;
  readonly health: Health;
  close(): Promise<void>;
}

/** `port`: at `settings.metricsHost`, beside the socket; 0 is none. To be called first, so that a process that is starting says so. */
export async function startTelemetry(settings: EngineSettings, name: string, port: number): Promise<ProcessTelemetry> {
  const routes = new Map<string, TelemetryRoute>();
  const health = new Health(routes);
  const server = await serveTelemetry([{ path: telemetrySocket(settings, name) }, ...(port === 0 ? [] : [{ port, host: settings.metricsHost }])], routes);
  return { routes, health, close: () => server.close() };
}

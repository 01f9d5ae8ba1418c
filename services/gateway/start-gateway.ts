import 'reflect-metadata';
import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { listeningSocket } from '#libs/settings/run-root.js';
import type { MetricsSource } from '#libs/telemetry/metrics/page.js';
import type { TelemetryRoute } from '#libs/telemetry/telemetry-server.js';
import { ErrorFilter } from './adapters/http/server/error-filter.js';
import { guardRoutes } from './adapters/http/callers/route-guard.js';
import { serveHijacks } from './adapters/http/streams/hijack.js';
import { createHttpAdapter } from './adapters/http/server/http-adapter.js';
import { preparePeers } from './adapters/http/callers/peer.js';
import { listenOnTcp } from './adapters/http/server/tcp-listener.js';
import { lingerAfterEarlyAnswers } from './adapters/http/server/linger.js';
import { answerUnreadable } from './adapters/http/server/unreadable-requests.js';
import { authorizationCalls } from './adapters/plugins/authorization-calls.js';
import { PLUGIN_FOLDERS } from './adapters/plugins/discover-plugin.js';
import { AccessControl } from './application/access-control.js';
import { Annotations } from './application/annotations.js';
import { AuthorizationPlugins } from './application/authorization-plugins.js';
import { ContainerFeed } from './application/container-feed.js';
import { EngineClient, type GatewayDependencies } from './application/engine-client.js';
import { EngineSource } from './application/engine-source.js';
import { EventFeed } from './application/event-feed.js';
import { LogChronicle } from './application/log-chronicle.js';
import { OutputsUnderWay } from './application/outputs-under-way.js';
import { RefusalLog } from './application/refusals.js';
import { GatewayModule } from './gateway.module.js';
import { reloadOnHangup } from './reload-on-hangup.js';

export interface Gateway {
  readonly metrics: MetricsSource;
  readonly annotations: TelemetryRoute;
  close(): Promise<void>;
}

/**
 * Serves the Docker Engine API on its socket (mode 0660), replacing a socket that another run left there. `close` ends all connections and is safe to
 * call twice. Rejects as invalid when the policy file is not a policy. `metrics` is the gateway's part of /metrics, `annotations` are containers' events as Grafana draws them.
 */
export async function startGateway(deps: GatewayDependencies): Promise<Gateway> {
  await preparePeers();
  const { authorizationPlugins = [] } = deps.settings;
  const plugins = new AuthorizationPlugins(authorizationPlugins, authorizationCalls(PLUGIN_FOLDERS));
  const adapter = createHttpAdapter({ keepsBodies: plugins.areThere });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.for(deps), adapter, { logger: false, bodyParser: false, abortOnError: false });
  app.useGlobalFilters(new ErrorFilter());
  const feed = app.get(ContainerFeed);
  const engine = app.get(EngineClient);
  const refusals = new RefusalLog(deps.store);
  const access = new AccessControl(engine, refusals, deps.settings.policy);
  await access.reload();
  const guards = { access, plugins, refusals };
  guardRoutes(adapter.getInstance(), guards);
  await app.init();
  const events = app.get(EventFeed);
  const chronicle = app.get(LogChronicle);
  await Promise.all([feed.start(), chronicle.start()]);
  const parts = { engine, feed, outputs: app.get(OutputsUnderWay), guards };
  const fastify = adapter.getInstance();
  const upgraded = [serveHijacks(fastify.server, parts)];
  answerUnreadable(fastify.server);
  lingerAfterEarlyAnswers(fastify.server);
  const { socketFd } = deps.settings;
  if (socketFd === undefined) await listen(adapter, listeningSocket(deps.settings));
  else {
    await fastify.ready(); // which Fastify's own listen would see to
    await listenOnPassed(fastify.server, socketFd);
  }
  const tcp = deps.settings.tcp === undefined ? undefined : await listenOnTcp(deps.settings.tcp, fastify.routing);
  if (tcp !== undefined) {
    upgraded.push(serveHijacks(tcp.server, parts));
    answerUnreadable(tcp.server);
    lingerAfterEarlyAnswers(tcp.server);
  }
  const hangups = reloadOnHangup({ policy: access, ...(tcp === undefined ? {} : { certificates: tcp }) });
  const metrics = app.get(EngineSource);
  const annotations = new Annotations(events);
  return {
    metrics: (out) => metrics.write(out),
    annotations: async (query, _accept, gone) => ({ contentType: 'application/json', body: JSON.stringify(await annotations.of(query, gone)) }),
    close: async () => {
      hangups.stop();
      for (const clients of upgraded) for (const client of clients) client.destroy();
      tcp?.close();
      if (socketFd !== undefined) endServer(fastify.server);
      await app.close();
      await Promise.all([feed.stop(), chronicle.stop(), metrics.stop()]);
    },
  };
}

/** Not by Fastify, which asks a server for an address that a passed socket does not tell. */
async function listenOnPassed(server: Server, fd: number): Promise<void> {
  server.listen({ fd });
  await once(server, 'listening');
}

function endServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** The mode is right from the first moment: nobody may connect between bind and chmod. */
async function listen(adapter: ReturnType<typeof createHttpAdapter>, path: string): Promise<void> {
  await rm(path, { force: true });
  const mask = process.umask(0o117);
  try {
    await adapter.getInstance().listen({ path });
  } finally {
    process.umask(mask);
  }
  await chmod(path, 0o660);
}

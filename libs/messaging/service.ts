import 'reflect-metadata';
import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventStore } from '#libs/event-store/event-store.js';
import { connectNats } from '#libs/nats/connect-nats.js';
import { nestLogger } from '#libs/telemetry/start-logging.js';
import { Bus } from './bus.js';
import { giveLifeSigns } from './life-signs.js';
import type { LocalServices } from './local-services.js';
import { ServiceTransport } from './service-transport.js';

/** One service's way to NATS: its own user, and an inbox prefix that no other user may listen to. */
export interface BusCredentials {
  readonly servers: string;
  readonly user: string;
  readonly pass: string;
  /** The user that the server must run as, where it is this engine's own. */
  readonly serverUid?: number;
}

/** What every service is given; `Settings` is the engine's typed settings. */
export interface ServiceDependencies<Settings = unknown> {
  readonly settings: Settings;
  readonly store: EventStore;
  readonly bus: Bus;
}

export function natsOptions(credentials: BusCredentials) {
  return {
    servers: credentials.servers,
    user: credentials.user,
    pass: credentials.pass,
    ...(credentials.serverUid === undefined ? {} : { serverUid: credentials.serverUid }),
    inboxPrefix: `_INBOX_${credentials.user}`,
    name: credentials.user,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
    noAsyncTraces: true, // else each request makes an Error ahead, for its stack
  };
}

export async function connectBus(credentials: BusCredentials, local: LocalServices): Promise<Bus> {
  return new Bus(await connectNats(natsOptions(credentials)), credentials.user, local, natsOptions(credentials).inboxPrefix);
}

/** Starts a service's module on the bus, and for those of its process (`local`) that ask it; instances of one service share their requests through a queue group. */
export async function startMicroservice(module: DynamicModule, credentials: BusCredentials, local?: LocalServices): Promise<INestMicroservice> {
  const strategy = new ServiceTransport({ ...natsOptions(credentials), queue: credentials.user }, credentials.user);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, { strategy, logger: nestLogger(credentials.user) });
  await app.listen();
  giveLifeSigns(app.unwrap<NatsConnection>(), credentials.user);
  local?.add(strategy);
  return app;
}

import 'reflect-metadata';
import type { DynamicModule, INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { EventStore } from '#libs/event-store/event-store.js';
import { nestLogger } from '#libs/telemetry/start-logging.js';
import { isTracing } from '#libs/telemetry/tracing.js';
import { Bus } from './bus.js';
import { giveLifeSigns } from './life-signs.js';
import { ServiceTransport } from './service-transport.js';
import { tracedTransport } from './traced-transport.js';

/** One service's way to NATS: its own user, and an inbox prefix that no other user may listen to. */
export interface BusCredentials {
  readonly servers: string;
  readonly user: string;
  readonly pass: string;
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
    inboxPrefix: `_INBOX_${credentials.user}`,
    name: credentials.user,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
    noAsyncTraces: true, // else each request makes an Error ahead, for its stack
  };
}

export async function connectBus(credentials: BusCredentials): Promise<Bus> {
  return new Bus(await connect(natsOptions(credentials)), credentials.user, natsOptions(credentials).inboxPrefix);
}

/** Starts a service's module on the bus; instances of one service share their requests through a queue group. */
export async function startMicroservice(module: DynamicModule, credentials: BusCredentials): Promise<INestMicroservice> {
  const options = { ...natsOptions(credentials), queue: credentials.user };
  const strategy = isTracing() ? tracedTransport(options, credentials.user) : new ServiceTransport(options, credentials.user);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, { strategy, logger: nestLogger(credentials.user) });
  await app.listen();
  giveLifeSigns(app.unwrap<NatsConnection>(), credentials.user);
  return app;
}

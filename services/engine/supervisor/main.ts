import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '#libs/errors/errors.js';
import { proxyWarnings } from '#libs/settings/proxies.js';
import { isLinked } from '#libs/settings/run-root.js';
import { frontProcess } from '#libs/settings/services.js';
import { logger } from '#libs/telemetry/logger.js';
import { startLogging } from '#libs/telemetry/start-logging.js';
import { readSupervisorSettings } from '../settings.js';
import { ensureAccounts } from './account.js';
import { endFormerArrangement, removeForeignSocket } from './arrangement.js';
import { ensureNatsPasswords, writePrivately } from './credentials.js';
import { makeDirectories, requireRunRoot, serviceAccounts } from './directories.js';
import { natsConfig } from './nats-config.js';
import { requirePort, tellWhenPortAnswers } from './port-ready.js';
import { removeFile } from './process-file.js';
import { programOf } from './program.js';
import { takeRoots } from './root-locks.js';
import { makeRoots } from './roots.js';
import { natsConfigPath, serviceTable } from './service-table.js';
import { Service } from './service.js';
import { passedSocket, tellWhenReady } from './service-manager.js';

const log = logger('supervisor');
const tell = (line: string): void => log.info(line);

async function main(): Promise<void> {
  const settings = readSupervisorSettings();
  startLogging('supervisor', settings.logLevel);
  for (const warning of proxyWarnings()) log.warn(warning);
  const root = new URL('../../..', import.meta.url).pathname.replace(/\/$/, ''); // of the bundle
  const natsServer = process.env['BERTH_NATS_SERVER'] ?? 'nats-server';
  const apiSocket = passedSocket();
  makeRoots(settings);
  requireRunRoot(settings);
  await takeRoots(settings);
  const accounts = ensureAccounts(settings);
  await endFormerArrangement(settings, accounts, programOf(root, settings));
  const natsPort = { port: settings.natsPort, uid: accounts.nats.uid };
  if (settings.natsEmbedded) requirePort(natsPort);
  makeDirectories(settings, accounts, apiSocket !== undefined);
  if (apiSocket === undefined) removeForeignSocket(settings, accounts);

  const ownPidFile = join(settings.runRoot, 'pids', 'supervisor');
  writeFileSync(ownPidFile, readFileSync('/proc/self/stat'));
  const passwords = ensureNatsPasswords(settings, new Map(Array.from(serviceAccounts(settings, accounts), ([service, { uid }]) => [service, uid])));
  if (settings.natsEmbedded) writePrivately(natsConfigPath(settings), natsConfig(settings, passwords), accounts.nats.uid);

  const specs = serviceTable(settings, { root, node: process.execPath, natsServer }, accounts, apiSocket);
  const services = specs.map((spec) => new Service(spec, tell));
  const probing = new AbortController();
  const nats = specs.find((spec) => spec.name === 'nats');
  if (nats) void tellWhenPortAnswers(natsPort, nats.readyFile, existsSync, (trouble) => log.error(trouble), probing.signal);

  void tellWhenReady(() => services.every((service) => service.isReady()), probing.signal).catch((error: unknown) => log.error(errorMessage(error)));

  const stop = async (): Promise<void> => {
    tell('stopping');
    probing.abort();
    for (const service of services.toReversed()) await service.stop();
    removeFile(ownPidFile);
    if (isLinked(settings) && apiSocket === undefined) removeFile(settings.socket);
    tell('stopped');
    process.exit(0);
  };
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => (stopping ??= stop()));
  // The gateway reads its policy again. It may also be that the terminal closed that started us, which changes nothing.
  const front = services.find(({ spec }) => spec.name === frontProcess(settings));
  process.on('SIGHUP', () => front?.hangUp());
  await Promise.all(services.map((service) => service.keepAlive()));
}

main().catch((error: unknown) => {
  log.error(errorMessage(error));
  process.exit(1);
});

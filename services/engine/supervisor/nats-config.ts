import { join } from 'node:path';
import { BUS_USERS, permissionsOf } from '#libs/messaging/permissions.js';
import { logLimitBytes } from '#libs/settings/log-limit.js';
import type { SupervisorSettings } from '../settings.js';
import type { NatsPasswords } from './credentials.js';

// Units as "8MB" are for bare words alone: in JSON, nats-server wants numbers.
const MIB = 1024 * 1024;

/**
 * nats-server's configuration as JSON, which its own format includes. Loopback alone, a user for each service, and an fsync before each
 * acknowledgement: the default of two minutes loses acknowledged events in a power cut.
 */
export function natsConfig(settings: SupervisorSettings, passwords: NatsPasswords): string {
  return JSON.stringify(
    {
      server_name: 'berth',
      listen: `127.0.0.1:${settings.natsPort}`,
      max_payload: 8 * MIB,
      jetstream: {
        store_dir: join(settings.dataRoot, 'nats'),
        sync_interval: 'always',
        max_memory_store: 16 * MIB,
        max_file_store: logLimitBytes(settings),
      },
      authorization: {
        timeout: 5,
        users: BUS_USERS.map((user) => ({ user, password: passwords[user], permissions: permissionsOf(user) })),
      },
    },
    undefined,
    2,
  );
}

import { BUS_USERS, permissionsOf } from '#libs/messaging/permissions.js';

/** What charts/berth/files/nats.conf holds: users and rights of the bus for a server in a pod. From its environment come passwords, NATS_PASSWORD_<USER>, and what the log may grow to, NATS_LOG_LIMIT. */
export function chartNatsConf(): string {
  const users = BUS_USERS.map((user) => `    { user: ${user}, password: $NATS_PASSWORD_${user.toUpperCase()}, permissions: ${JSON.stringify(permissionsOf(user))} }`);
  return `# Made from libs/messaging/permissions.ts by \`npm run chart\`.
server_name: berth
listen: "0.0.0.0:4222"
# Tells of connections and streams, not of what is in them: Berth sees there that commits are synced.
http: "0.0.0.0:8222"
max_payload: 8MB
jetstream {
  store_dir: "/data"
  # An acknowledgement is a promise, also in a power cut.
  sync_interval: always
  max_memory_store: 16MB
  max_file_store: $NATS_LOG_LIMIT
}
authorization {
  timeout: 5
  users: [
${users.join('\n')}
  ]
}
`;
}

export const NATS_CONF = new URL('../../../charts/berth/files/nats.conf', import.meta.url);

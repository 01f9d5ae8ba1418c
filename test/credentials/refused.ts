import { connect, PermissionViolationError } from '@nats-io/transport-node';

export interface BusLogin {
  readonly servers: string;
  readonly user: string;
  readonly pass: string;
}

/** With the inbox prefix that this user alone may listen to. */
export const login = ({ servers, user, pass }: BusLogin) => ({ servers, user, pass, inboxPrefix: `_INBOX_${user}` });

/** Of the subjects that are `tried`, those that the server refuses to this user. */
export async function refused(as: BusLogin, operation: 'publish' | 'subscription', tried: readonly string[]): Promise<string[]> {
  const connection = await connect({ ...login(as), name: as.user });
  const violations: string[] = [];
  const watching = (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError && status.error.operation === operation) violations.push(status.error.subject);
    }
  })();
  for (const subject of tried) {
    if (operation === 'publish') connection.publish(subject, '{}', { reply: `_INBOX_${as.user}.answer` });
    else connection.subscribe(subject, { callback: () => undefined });
  }
  await connection.flush();
  await connection.close();
  await watching;
  return violations;
}

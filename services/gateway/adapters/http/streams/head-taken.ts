import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { descriptorOf } from '#libs/messaging/descriptor-of.js';

/** A client that is kept from running longer than this, or that does not read at all, gets what comes all the same. */
const PATIENCE_MS = 250;
const LOOK_AGAIN_MS = 1;

/**
 * Resolves once a client of the unix socket has read the head of its answer. Python's http.client, and docker-py with it, loses what it reads in one piece with the head of an
 * upgrade. Over TCP nobody can see what was read: there it resolves at once.
 */
export async function headTaken(client: Socket): Promise<void> {
  if (client.remoteAddress !== undefined) return;
  // A gateway without the addon serves all the same.
  const { hasReadAll } = await import('#libs/linux/processes.js').catch(() => ({ hasReadAll: () => true }));
  const until = performance.now() + PATIENCE_MS;
  for (let fd = descriptorOf(client); fd !== undefined && !hasReadAll(fd) && performance.now() < until; fd = descriptorOf(client)) await delay(LOOK_AGAIN_MS);
}

import { createHash } from 'node:crypto';

/** Clients take endpoint ids for 64 hex digits; Berth's own name the container and its run. */
export function dockerEndpointId(id: string): string {
  return id === '' ? '' : createHash('sha256').update(`endpoint ${id}`).digest('hex');
}

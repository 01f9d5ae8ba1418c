import { createHash } from 'node:crypto';

/** The outer end of a run's veth pair. Derived from the endpoint, so that a link on the host can be traced to its run; 15 bytes at most (IFNAMSIZ). */
export const hostLinkName = (endpointId: string): string => `veth${createHash('sha256').update(endpointId).digest('hex').slice(0, 7)}`;

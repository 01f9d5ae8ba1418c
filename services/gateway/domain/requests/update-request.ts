import { notImplemented } from '#libs/errors/errors.js';
import { asGoReads } from './as-go-reads.js';
import { isFields, isZero, KERNEL_MEMORY } from './create-request.js';
import { bodyFields } from './go-fields.js';

const CHANGES: ReadonlySet<string> = new Set('Memory MemorySwap MemoryReservation NanoCpus CpuShares CpuQuota CpuPeriod CpuRealtimePeriod CpuRealtimeRuntime CpusetCpus CpusetMems BlkioWeight'.split(' '));

/**
 * The body of POST /containers/{id}/update: the limits that are to change, since what has Go's zero value stays; none changes nothing. Throws `not-implemented` for a limit that
 * Berth lacks. Types of single fields are checked where the command enters the bus.
 */
export function readUpdateRequest(body: unknown): Readonly<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(bodyFields(body, 'container.UpdateConfig'))) {
    // No limit is a wish, too.
    if (name === 'PidsLimit') {
      if (value !== null) changes[name] = typeof value === 'number' && value < 0 ? 0 : value;
    } else if (name === 'RestartPolicy') {
      if (isFields(value) && value['Name']) changes[name] = asGoReads(name, value);
    } else if (isZero(value) || KERNEL_MEMORY.includes(name)) continue;
    else if (CHANGES.has(name)) changes[name] = value;
    else throw notImplemented(`Berth does not support changing ${name} yet (asked for: ${JSON.stringify(value)})`);
  }
  return changes;
}

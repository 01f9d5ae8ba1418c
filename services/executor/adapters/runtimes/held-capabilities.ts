import { readFileSync } from 'node:fs';
import { CAPABILITIES } from '../../domain/spec/capabilities.js';

/** Capabilities this process has, and so can give (proc(5), CapPrm): a container of a container may have fewer than root's. */
export function heldCapabilities(): readonly string[] {
  const mask = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  return CAPABILITIES.filter((_, number) => (mask >> BigInt(number)) & 1n);
}

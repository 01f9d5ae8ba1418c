import { readFileSync } from 'node:fs';
import type { Fd } from '#libs/linux/native.js';
import { writeWhole } from '#libs/linux/whole-file.js';
import { setSysctl, sysctl, visiting } from './sysctl.js';

const IP_FORWARD = 'net/ipv4/ip_forward';

/**
 * Containers need a host that forwards. One that did not would, from then on, do it between all its links: whose doing it is has to be known for as long as it lasts, which is until the next boot, so that the
 * firewall can shut out all the rest.
 */
export class Forwarding {
  /** `note`: a file, which remembers it over restarts of the engine. */
  constructor(
    private readonly note: string,
    private readonly namespace: Fd = -1,
  ) {}

  /** Whether this engine is, or is about to be, the one who makes the host forward. Before `switchOn`: then is when to ask, and to shut out. */
  isOurs(): boolean {
    if (visiting(this.namespace, () => sysctl(IP_FORWARD)) === '1') return this.noted() === boot();
    writeWhole(this.note, boot(), { mode: 0o600 });
    return true;
  }

  switchOn(): void {
    visiting(this.namespace, () => setSysctl(IP_FORWARD, '1'));
  }

  private noted(): string | undefined {
    try {
      return readFileSync(this.note, 'utf8');
    } catch {
      return undefined;
    }
  }
}

const boot = (): string => sysctl('kernel/random/boot_id');

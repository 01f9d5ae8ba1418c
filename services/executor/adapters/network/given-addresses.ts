import { readFileSync } from 'node:fs';
import { writeWhole } from '#libs/linux/whole-file.js';
import type { BridgeOptions } from './bridge.js';
import { sysctl } from './sysctl.js';

type Given = Pick<BridgeOptions, 'name' | 'gateway' | 'prefixLength'>;

/** The addresses that bridges which the host had before were given: to be taken off again, other than those that they had. Known in `note`, a file, for as long as they last: until the next boot. */
export class GivenAddresses {
  constructor(private readonly note: string) {}

  has(address: Given): boolean {
    return this.noted().includes(lineOf(address));
  }

  add(address: Given): void {
    if (!this.has(address)) this.write([...this.noted(), lineOf(address)]);
  }

  delete(address: Given): void {
    this.write(this.noted().filter((line) => line !== lineOf(address)));
  }

  private noted(): readonly string[] {
    try {
      const [at, ...lines] = readFileSync(this.note, 'utf8').split('\n');
      return at === boot() ? lines : [];
    } catch {
      return [];
    }
  }

  private write(lines: readonly string[]): void {
    writeWhole(this.note, [boot(), ...lines].join('\n'), { mode: 0o600 });
  }
}

const lineOf = ({ name, gateway, prefixLength }: Given): string => `${name} ${gateway}/${prefixLength}`;
const boot = (): string => sysctl('kernel/random/boot_id');

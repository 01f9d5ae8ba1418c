import { spawnSync } from 'node:child_process';
import { inNetworkNamespace } from '#libs/linux/network-namespace.js';
import { macOf } from '../mac-address.js';
import { NetworkSandbox } from '../sandbox.js';

/** Three networks: a client far away, the host, one container. The machine's own stays untouched. */
export class NetworkWorld implements Disposable {
  private readonly opened: Disposable[] = [];
  readonly far = this.opening(NetworkSandbox.create());
  readonly host = this.opening(NetworkSandbox.create());
  readonly container = this.opening(NetworkSandbox.create(this.host.fd));

  /** It ends with the world. */
  opening<T extends Disposable>(one: T): T {
    this.opened.push(one);
    return one;
  }

  [Symbol.dispose](): void {
    for (const one of this.opened.splice(0).reverse()) one[Symbol.dispose]();
  }
}

export const bridge = { name: 'docker0', gateway: '172.17.0.1', prefixLength: 16, mtu: 1500 };
export const attachment = { bridge: 'docker0', hostName: 'veth0000001', containerName: 'eth0', mac: macOf('172.17.0.2'), address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1', mtu: 1500 };

export function run(where: NetworkSandbox, ...command: string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = inNetworkNamespace(where.fd, () => spawnSync('busybox', command, { encoding: 'utf8', timeout: 10_000 }));
  return { status, text: stdout + stderr };
}

import type { Fd } from '#libs/linux/native.js';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { Stock } from '../stock.js';
import { NetworkSandbox } from './sandbox.js';

/** Keeps `size` sandboxes ready with loopback up, made beside the event loop, so that a start does not wait for a new namespace. */
export class SandboxPool implements Disposable {
  private readonly stock: Stock<NetworkSandbox>;

  /** `ids`: of the user namespace that each of them belongs to; absent: the host's. */
  constructor(
    size: number,
    private readonly outside: Fd = -1,
    private readonly ids?: IdMaps,
  ) {
    this.stock = new Stock(size, () => NetworkSandbox.createAsync(outside, ids), (sandbox) => sandbox.close());
  }

  get ready(): number {
    return this.stock.ready;
  }

  /** The caller owns it. Makes one when none is ready. */
  take(): NetworkSandbox {
    return this.stock.take() ?? NetworkSandbox.create(this.outside, this.ids);
  }

  close(): void {
    this.stock.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

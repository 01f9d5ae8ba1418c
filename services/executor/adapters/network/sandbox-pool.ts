import type { Fd } from '#libs/linux/native.js';
import { NetworkSandbox } from './sandbox.js';

/**
 * Keeps `size` sandboxes ready with loopback up, so that a start does not wait for a new namespace. What is taken is replaced when the event loop is idle
 * next, one a turn. A namespace that could not be made is tried again at the next `take`, whose caller sees the error.
 */
export class SandboxPool implements Disposable {
  readonly #ready: NetworkSandbox[] = [];
  #refill: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(
    readonly size: number,
    readonly outside: Fd = -1,
  ) {
    this.#refillSoon();
  }

  get ready(): number {
    return this.#ready.length;
  }

  /** The caller owns it. Makes one when none is ready. */
  take(): NetworkSandbox {
    const sandbox = this.#ready.pop() ?? NetworkSandbox.create(this.outside);
    this.#refillSoon();
    return sandbox;
  }

  /** Makes all that are missing now. */
  fill(): void {
    while (!this.#closed && this.#ready.length < this.size) this.#ready.push(NetworkSandbox.create(this.outside));
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#refill);
    for (const sandbox of this.#ready.splice(0)) sandbox.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #refillSoon(): void {
    if (this.#closed || this.#refill !== undefined || this.#ready.length >= this.size) return;
    this.#refill = setImmediate(() => {
      this.#refill = undefined;
      try {
        this.#ready.push(NetworkSandbox.create(this.outside));
      } catch {
        return; // `take` meets the same error, with somebody there to hear it.
      }
      this.#refillSoon();
    });
  }
}

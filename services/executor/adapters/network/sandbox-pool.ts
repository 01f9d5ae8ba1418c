import type { Fd } from '#libs/linux/native.js';
import type { IdMaps } from '#contracts/executor/id-maps.js';
import { NetworkSandbox } from './sandbox.js';

/**
 * Keeps `size` sandboxes ready with loopback up, so that a start does not wait for a new namespace. What is taken is replaced beside the event loop, one
 * after the other. A namespace that could not be made is tried again at the next `take`, whose caller sees the error.
 */
export class SandboxPool implements Disposable {
  readonly #ready: NetworkSandbox[] = [];
  #refilling = false;
  #closed = false;

  constructor(
    readonly size: number,
    readonly outside: Fd = -1,
    /** Of the user namespace that each of them belongs to; absent: the host's. */
    private readonly ids?: IdMaps,
  ) {
    void this.fill();
  }

  get ready(): number {
    return this.#ready.length;
  }

  /** The caller owns it. Makes one when none is ready. */
  take(): NetworkSandbox {
    const sandbox = this.#ready.pop() ?? NetworkSandbox.create(this.outside, this.ids);
    void this.fill();
    return sandbox;
  }

  /** Resolves once none is missing, or one could not be made. */
  async fill(): Promise<void> {
    if (this.#refilling) return;
    this.#refilling = true;
    try {
      while (!this.#closed && this.#ready.length < this.size) this.#add(await NetworkSandbox.createAsync(this.outside, this.ids));
    } catch {
      // `take` meets the same error, with somebody there to hear it.
    } finally {
      this.#refilling = false;
    }
  }

  close(): void {
    this.#closed = true;
    for (const sandbox of this.#ready.splice(0)) sandbox.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #add(sandbox: NetworkSandbox): void {
    if (this.#closed) sandbox.close();
    else this.#ready.push(sandbox);
  }
}

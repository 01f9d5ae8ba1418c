import type { IdMaps } from '#contracts/executor/id-maps.js';
import { NetworkSandbox } from './sandbox.js';
import { SandboxPool } from './sandbox-pool.js';

/** Sandboxes for tasks with the host's ids and, where the engine maps some, with those: kept ready. With any others they are made when they are asked for. */
export class Sandboxes implements Disposable {
  private readonly plain: SandboxPool;
  private readonly mapped: SandboxPool | undefined;

  constructor(
    size: number,
    private readonly engine: IdMaps | undefined,
  ) {
    // Where ids are mapped, few containers have the host's.
    this.plain = new SandboxPool(engine === undefined ? size : 1);
    this.mapped = engine === undefined ? undefined : new SandboxPool(size, -1, engine);
  }

  /** The caller owns it. `ids`: of the user namespace that it belongs to, a new one each time; undefined: the host's. */
  take(ids: IdMaps | undefined): NetworkSandbox {
    if (ids === undefined) return this.plain.take();
    return ids === this.engine && this.mapped ? this.mapped.take() : NetworkSandbox.create(-1, ids);
  }

  close(): void {
    this.plain.close();
    this.mapped?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError, errorMessage, internal } from '#libs/errors/errors.js';
import { failpoint } from '#libs/failpoint/failpoint.js';
import { removeTree, removeTrees } from '#libs/linux/remove-tree.js';
import { snapshotName } from '#libs/oci/chain-id.js';
import { parseDigest } from '#libs/oci/digest.js';
import { MOUNT_POINTS } from './mount-point-layers.js';
import type { TreeThreads } from '../trees/tree-threads.js';

export interface LayerBlob {
  readonly chainId: string;
  /** Digest of the plain tar. */
  readonly diffId: string;
  /** Digest of the blob as it is stored. */
  readonly digest: string;
  /** Told by the manifest; the bytes themselves tell how they are compressed. */
  readonly mediaType: string;
}

/** What is kept beside an unpacked layer: that it is there says that the layer is whole. */
interface LayerFacts {
  readonly chainId: string;
  readonly diffId: string;
  readonly sizeBytes: number;
  /** Blobs that were seen to hold this layer, however they are compressed. */
  readonly digests: readonly string[];
}

const TEMPORARY = '.tmp-';
const FACTS = '.facts';
/** No layers of an image. */
const OWN: ReadonlySet<string> = new Set([FACTS, MOUNT_POINTS]);

/**
 * Unpacked layers: `<dataRoot>/layers/<first 26 digits of the chain id>/`, each one lower directory of an overlay. The owner is root's alone: an image's
 * set-user-id programs are out of reach of the host's users. Call `open` once; `unpack` twice is once.
 */
export class LayerStore {
  /** Holds all layers, each by its name. */
  readonly root: string;
  private readonly running = new Map<string, { readonly digest: string; readonly unwanted: Int32Array<SharedArrayBuffer>; readonly work: Promise<{ readonly sizeBytes: number }> }>();
  /** Names of the layers that `keep` was asked to keep last. */
  private wanted: ReadonlySet<string> = new Set();
  private keeping: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly dataRoot: string,
    private readonly threads: Pick<TreeThreads, 'run'>,
  ) {
    this.root = join(dataRoot, 'layers');
  }

  /** Makes the directories and removes what is no whole layer: what an unpacking or a removal left behind when it was killed. What cannot be removed stays, and is told of. */
  async open(onError: (error: unknown) => void): Promise<void> {
    for (const own of OWN) await mkdir(join(this.root, own), { recursive: true, mode: 0o700 });
    const names = await readdir(this.root);
    const facts = await readdir(join(this.root, FACTS));
    const whole = new Set(facts.map((file) => file.slice(0, -'.json'.length)).filter((name) => names.includes(name)));
    for (const file of facts) if (!file.endsWith('.json') || !whole.has(file.slice(0, -'.json'.length))) await rm(join(this.root, FACTS, file), { force: true });
    const mountPoints = await readdir(join(this.root, MOUNT_POINTS));
    const leftOver = [...names.filter((name) => !OWN.has(name) && !whole.has(name)), ...mountPoints.filter((name) => !whole.has(name)).map((name) => join(MOUNT_POINTS, name))];
    await removeTrees(leftOver.map((path) => join(this.root, path))).catch(onError);
  }

  /** The directory's name, for an overlay's `lower`. Throws invalid where `chainId` is no digest. */
  nameOf(chainId: string): string {
    return snapshotName(parseDigest(chainId, 'chain id'));
  }

  async has(chainId: string): Promise<boolean> {
    return (await this.facts(chainId)) !== undefined;
  }

  /**
   * Unpacks the blob; where the layer is there already, another blob than the ones it is known by is read to see that it holds the same. Rejects as not-found
   * without the blob, as invalid when it is no layer or not the one of `diffId`.
   */
  async unpack(layer: LayerBlob): Promise<{ readonly sizeBytes: number }> {
    const name = this.nameOf(layer.chainId);
    for (let running; (running = this.running.get(name)); ) {
      if (running.digest === layer.digest) return await running.work;
      await running.work.catch(() => undefined);
    }
    const unwanted = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const work = this.unpackNow(name, layer, unwanted.buffer).finally(() => this.running.delete(name));
    this.running.set(name, { digest: layer.digest, unwanted, work });
    return await work;
  }

  /** Nothing there: nothing happens; one that is being unpacked is so no longer. The caller knows that no container stands on it, and that nobody is about to have it. */
  remove(chainId: string): Promise<void> {
    return this.removeByName(this.nameOf(chainId));
  }

  private async removeByName(name: string): Promise<void> {
    const running = this.running.get(name);
    if (running) Atomics.store(running.unwanted, 0, 1);
    await running?.work.catch(() => undefined);
    // First the facts: a layer half gone must not count as one.
    await rm(this.factsPath(name), { force: true });
    await removeTree(join(this.root, MOUNT_POINTS, name));
    await failpoint('layer.half-removed');
    const doomed = join(this.root, `${TEMPORARY}${randomBytes(8).toString('hex')}`);
    try {
      await rename(join(this.root, name), doomed);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await removeTree(doomed);
  }

  /**
   * Removes every layer but these, and what is known of any that is not there; what is being unpacked was asked for by one who has ended since, and who asks now unpacks nothing before the answer. Rejects, in the end, where one cannot be
   * removed. Who asks again while it is under way counts from then on, and waits for it: what is unpacked once one is answered is out of reach of those before.
   */
  async keep(chainIds: readonly string[]): Promise<void> {
    this.wanted = new Set(chainIds.map((chainId) => this.nameOf(chainId)));
    const mine = this.keeping.then(() => this.keepWanted());
    this.keeping = mine.catch(() => undefined);
    await mine;
  }

  private async keepWanted(): Promise<void> {
    const facts = (await readdir(join(this.root, FACTS))).map((file) => file.replace(/\.json.*$/, ''));
    const reasons: unknown[] = [];
    for (const name of new Set([...facts, ...(await readdir(this.root)), ...this.running.keys()])) {
      if (!this.wanted.has(name) && !OWN.has(name) && !name.startsWith(TEMPORARY)) await this.removeByName(name).catch((error: unknown) => reasons.push(error));
    }
    if (reasons.length > 0) throw reasons[0];
  }

  private async unpackNow(name: string, layer: LayerBlob, unwanted: SharedArrayBuffer): Promise<{ readonly sizeBytes: number }> {
    const diffId = parseDigest(layer.diffId, 'diff id');
    const known = await this.facts(layer.chainId);
    if (known) {
      if (!known.digests.includes(layer.digest)) {
        await this.threads.run('checkLayer', { dataRoot: this.dataRoot, digest: layer.digest, diffId, unwanted });
        await this.writeFacts(name, { ...known, digests: [...known.digests, layer.digest] });
      }
      return { sizeBytes: known.sizeBytes };
    }
    const target = join(this.root, name);
    const temporary = join(this.root, `${TEMPORARY}${randomBytes(8).toString('hex')}`);
    await mkdir(temporary, { recursive: true, mode: 0o755 });
    try {
      const sizeBytes = await this.threads.run('unpackLayer', { dataRoot: this.dataRoot, directory: temporary, digest: layer.digest, diffId, unwanted });
      await failpoint('layer.extracted');
      await removeTree(target);
      await rename(temporary, target);
      await syncDirectory(this.root);
      await failpoint('layer.in-place');
      await this.writeFacts(name, { chainId: layer.chainId, diffId, sizeBytes, digests: [layer.digest] });
      return { sizeBytes };
    } catch (error) {
      await removeTree(temporary);
      if (error instanceof BerthError) throw error;
      throw internal(`layer ${layer.digest} cannot be unpacked: ${errorMessage(error)}`, error);
    }
  }

  private factsPath(name: string): string {
    return join(this.root, FACTS, `${name}.json`);
  }

  private async facts(chainId: string): Promise<LayerFacts | undefined> {
    try {
      // Facts of before blobs were written down have no digests.
      const facts = { digests: [], ...(JSON.parse(await readFile(this.factsPath(this.nameOf(chainId)), 'utf8')) as Omit<LayerFacts, 'digests'>) };
      return facts.chainId === chainId ? facts : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async writeFacts(name: string, facts: LayerFacts): Promise<void> {
    const temporary = `${this.factsPath(name)}.${randomBytes(4).toString('hex')}`;
    await writeFile(temporary, JSON.stringify(facts), { mode: 0o600, flush: true });
    await rename(temporary, this.factsPath(name));
    await syncDirectory(join(this.root, FACTS));
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { PathStat } from '#contracts/containers/archives.js';
import type { ExtractRootArchive, OpenRootArchive, OpenRootChanges, OpenRootLayer, StatRootPath } from '#contracts/executor/archives.js';
import type { StreamEndpoint } from '#contracts/request.js';
import { notFound, toErrorReply } from '#libs/errors/errors.js';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import type { ContainerFiles } from '../adapters/host/container-files.js';
import type { ContainerRoot, RootSource, Snapshotter } from '../adapters/snapshots/snapshotter.js';
import { ChunkSender, received } from '../adapters/trees/chunk-channel.js';
import type { RootJob } from '../adapters/trees/container-root.js';
import type { ChangesJob } from '../adapters/trees/root-changes.js';
import { TreeThreads } from '../adapters/trees/tree-threads.js';
import type { LiveTasks } from './live-tasks.js';

/** Clients that copy at the same time; one more waits. Apart from the threads that unpack images, for a client may take its time. */
const MOST_THREADS = 4;
/** A request that was asked again comes no later. */
const TOO_LATE_MS = 60_000;

type Asked = Pick<StatRootPath, 'container' | 'layers' | 'mounts'>;

/**
 * Copies from and to the roots of containers. A container that does not run is mounted for it, and does not start meanwhile: two overlays of one upper directory would
 * undo one another's work.
 */
export class RootArchives {
  private readonly threads = new TreeThreads(MOST_THREADS);
  private readonly busy = new Map<string, Promise<unknown>>();
  /** Containers that were removed a short while ago. */
  private readonly gone = new Set<string>();

  constructor(
    private readonly live: LiveTasks,
    private readonly files: ContainerFiles,
    private readonly roots: () => Snapshotter,
    private readonly layersDirectory: string,
    private readonly layerName: (chainId: string) => string,
    private readonly streams: StreamServer,
  ) {}

  stat(query: StatRootPath): Promise<PathStat> {
    return this.withRoot(query, (root) => this.threads.run('statPath', { root, path: query.path }));
  }

  async open(command: OpenRootArchive): Promise<StreamEndpoint & { readonly stat: PathStat }> {
    const { path, exports } = command;
    const stat = await this.withRoot(command, (root) => this.threads.run('statPath', { root, path }));
    return { ...this.streams.offerWhole((out) => this.send(command, path, exports, out)), stat };
  }

  async extract(command: ExtractRootArchive): Promise<StreamEndpoint> {
    const { path, readOnlyRoot, mounts } = command;
    await this.withRoot(command, (root) => this.threads.run('checkTarget', { root, path, readOnlyRoot, mounts }));
    return this.streams.offer((socket) => this.receive(command, socket));
  }

  async changes(query: OpenRootChanges): Promise<StreamEndpoint> {
    const changes = await this.withWritten(query, (job) => this.threads.run('listChanges', job));
    return this.streams.offer((socket) => void socket.end(JSON.stringify(changes)));
  }

  /** From now on its files are nobody's, and not made anew by one that comes too late. */
  removed(container: string): void {
    this.gone.add(container);
    setTimeout(() => this.gone.delete(container), TOO_LATE_MS).unref();
  }

  restored(container: string): void {
    this.gone.delete(container);
  }

  layer(query: OpenRootLayer): StreamEndpoint {
    return this.streams.offerWhole((out) => this.sendFrom(out, (port) => this.withWritten(query, (job) => this.threads.run('packChanges', { ...job, port }, [port]))));
  }

  /** The snapshotter, as starts use it: they wait for what is copied. */
  readonly forStarts = (): Snapshotter => {
    const roots = this.roots();
    return {
      driver: roots.driver,
      own: roots.own,
      written: roots.written,
      prepare: async (root: ContainerRoot): Promise<RootSource> => {
        const copying = this.busy.get(root.directory);
        if (copying) await copying;
        return roots.prepare(root);
      },
    };
  };

  close(): Promise<void> {
    return this.threads.close();
  }

  private send(asked: Asked, path: string, exports: boolean, out: Writable): Promise<void> {
    return this.sendFrom(out, (port) => this.withRoot(asked, (root) => this.threads.run('readArchive', { root, path, exports, port }, [port]), 'is there'));
  }

  private async sendFrom(out: Writable, start: (port: MessagePort) => Promise<void>): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    // A reader that left tells the thread that it may stop, also one that left before the first byte was taken, or before the thread began.
    const sent = pipeline(Readable.from(received(port1)), out, { end: false }).finally(() => port1.close());
    const read = start(port2);
    // Of a read that failed nobody tells the end.
    read.catch(() => port1.close());
    const results = await Promise.allSettled([sent, read]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private async receive(command: ExtractRootArchive, socket: Socket): Promise<void> {
    const { path, readOnlyRoot, mounts, keepsKinds, owner } = command;
    const { port1, port2 } = new MessageChannel();
    const job = { path, readOnlyRoot, mounts, keepsKinds, ...(owner ? { owner } : {}), port: port2 };
    const extracted = this.withRoot(command, (root) => this.threads.run('extractArchive', { root, ...job }, [port2]), 'is there').finally(() => port1.close());
    const sender = new ChunkSender(port1);
    // What the archive's reader does not want any more is told by its own error.
    const sent = (async () => {
      // Its other half is still to tell how it went.
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) await sender.send(chunk as Buffer);
      sender.end();
    })();
    // Of a client that left the thread hears by the end of what comes.
    sent.catch(() => port1.close());
    await extracted.then(
      () => socket.end(),
      (error: unknown) => socket.end(JSON.stringify(toErrorReply(error))),
    );
  }

  private withWritten<T>({ container, layers }: Pick<OpenRootChanges, 'container' | 'layers'>, work: (job: ChangesJob) => Promise<T>): Promise<T> {
    return this.withRoot({ container, layers, mounts: [] }, () => {
      const { path, withImage } = this.roots().written;
      return work({ directory: `${this.files.directory(container)}/${path}`, written: withImage ? 'whole' : 'upper', image: { directory: this.layersDirectory, layers: layers.map(this.layerName) } });
    });
  }

  /** `wanted`: 'made' by the first step of a request where the container never ran; what comes after it finds it, or the container is gone. */
  private async withRoot<T>(asked: Asked, work: (root: RootJob) => Promise<T>, wanted: 'made' | 'is there' = 'made'): Promise<T> {
    const { container } = asked;
    for (const task of this.live.all()) if (task.identity.container === container && task.start) await task.start.catch(() => undefined);
    const task = this.live.byContainer(container);
    if (task && !task.hasExited) return work({ container, pid: task.pid, ...(task.ids ? { ids: task.ids } : {}) });
    const directory = this.files.directory(container);
    const turn = (this.busy.get(directory) ?? Promise.resolve()).then(() => this.stopped(directory, asked, wanted)).then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.busy.set(directory, settled);
    void settled.then(() => this.busy.get(directory) === settled && this.busy.delete(directory));
    return turn;
  }

  /** Of one that never ran the writable layer is made now. */
  private async stopped(directory: string, { container, layers, mounts }: Asked, wanted: 'made' | 'is there'): Promise<RootJob> {
    if (this.gone.has(container) || (wanted === 'is there' && !existsSync(directory))) throw notFound(`No such container: ${container}`);
    await mkdir(directory, { recursive: true, mode: 0o710 });
    const source = await this.roots().prepare({ directory, layers: layers.map(this.layerName) });
    return { container, source, mounts };
  }
}

import { closeSync, existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { PathStat } from '#contracts/containers/archives.js';
import type { ExtractRootArchive, OpenRootArchive, OpenRootChanges, OpenRootLayer, PathChange, StatRootPath } from '#contracts/executor/archives.js';
import type { StreamEndpoint } from '#contracts/request.js';
import { type BerthError, notFound, toErrorReply, unavailable } from '#libs/errors/errors.js';
import { duplicate } from '#libs/linux/duplicate.js';
import type { Fd } from '#libs/linux/native.js';
import type { StreamServer } from '#libs/messaging/stream-server.js';
import { giveBack, takeOver } from '#libs/messaging/take-over.js';
import type { BindSources } from '../../adapters/host/bind-source.js';
import type { ContainerFiles } from '../../adapters/host/container-files.js';
import { hasDistantMounts } from '../../adapters/host/distant-mounts.js';
import type { ContainerRoot, RootSource, Snapshotter } from '../../adapters/snapshots/snapshotter.js';
import type { ClientEnd } from '../../adapters/trees/client-bytes.js';
import type { RootJob } from '../../adapters/trees/container-root.js';
import type { ChangesJob } from '../../adapters/trees/root-changes.js';
import { TreeThreads } from '../../adapters/trees/tree-threads.js';
import type { LiveTask } from '../tasks/live-task.js';
import type { LiveTasks } from '../tasks/live-tasks.js';
import { ClientPlace, ClientPlaces, type PlaceLimits } from './client-places.js';
import { SharedWork } from './shared-work.js';
import { closeAside, StoppedRoots } from './stopped-roots.js';
import { ThreadsApart } from './threads-apart.js';

/** For what waits for no client, whoever copies. */
const LOOKING_THREADS = 2;
/** Copies that work at the same time. Apart from the threads that unpack images, which no client slows down. */
const COPYING_THREADS = 4;
/** Each walks through all that a container wrote: however many are asked for, no copy waits for them to look at its path. */
const COMPARING_THREADS = 1;
/** A copy that waits for its client is a few buffers on its thread; a thread for each would cost 16 MiB a copy. */
const COPIES_A_THREAD = 16;
/** Ended only where somebody waits for a place: nobody else is hurt by a pager that is left open. */
const LIMITS: PlaceLimits = { most: COPYING_THREADS * COPIES_A_THREAD, patienceMs: 30_000 };
/** A request that was asked again comes no later. */
const TOO_LATE_MS = 60_000;

type Threads = Pick<TreeThreads, 'run'>;
type Places = Pick<ClientPlaces, 'hold'>;
type Asked = Pick<StatRootPath, 'container' | 'layers' | 'mounts' | 'readOnlyRoot'>;

/**
 * Copies from and to the roots of containers, each at the pace of its client. A container that does not run is mounted for it, and does not start meanwhile: two overlays of
 * one upper directory would undo one another's work. What copies nothing (a path's facts, the changes) waits for no copy.
 */
export class RootArchives {
  private readonly looking = new TreeThreads(LOOKING_THREADS);
  private readonly comparing = new TreeThreads(COMPARING_THREADS);
  private readonly copying = new TreeThreads(COPYING_THREADS, COPIES_A_THREAD);
  private readonly apart = new ThreadsApart();
  private readonly places: ClientPlaces;
  private readonly stopped = new StoppedRoots();
  /** Preparations of roots, by directory: one at a time. */
  private readonly preparing = new Map<string, Promise<unknown>>();
  /** Containers that were removed a short while ago. */
  private readonly gone = new Set<string>();
  private readonly lists = new SharedWork<readonly PathChange[]>();
  /** By container, who reads its files to send them: until all have ended. */
  private readonly readers = new Map<string, { count: number; readonly over: PromiseWithResolvers<void> }>();

  constructor(
    private readonly live: LiveTasks,
    private readonly files: ContainerFiles,
    private readonly roots: () => Snapshotter,
    private readonly layersDirectory: string,
    private readonly layerName: (chainId: string) => string,
    private readonly binds: Pick<BindSources, 'asParts' | 'mayNeverAnswer'>,
    private readonly streams: StreamServer,
    private readonly onEnded: (error: unknown, about: { readonly container: string }) => void,
    limits = LIMITS,
  ) {
    this.places = new ClientPlaces(limits);
  }

  stat(query: StatRootPath): Promise<PathStat> {
    return this.withRoot(query, this.looking, (root, threads) => threads.run('statPath', { root, path: query.path }));
  }

  async open(command: OpenRootArchive): Promise<StreamEndpoint & { readonly stat: PathStat }> {
    const { path } = command;
    const stat = await this.withRoot(command, this.looking, (root, threads) => threads.run('statPath', { root, path }));
    return { ...this.streams.offerWhole((socket) => this.send(command, socket)), stat };
  }

  async extract(command: ExtractRootArchive): Promise<StreamEndpoint> {
    const { path } = command;
    await this.withRoot(command, this.looking, (root, threads) => threads.run('checkTarget', { root, path }));
    return this.streams.offer((socket) => this.receive(command, socket));
  }

  async changes(query: OpenRootChanges): Promise<StreamEndpoint> {
    const changes = await this.lists.of(query.container, () => this.reading(query.container, () => this.withWritten(query, (job) => this.comparing.run('listChanges', job))));
    return this.streams.offerWhole(async (socket) => void socket.write(JSON.stringify(changes)));
  }

  /** From now on its files are nobody's, and not made anew by one that comes too late. */
  removed(container: string): void {
    this.gone.add(container);
    setTimeout(() => this.gone.delete(container), TOO_LATE_MS).unref();
  }

  /** Resolves once nobody reads the container's files any more; undefined: nobody does. */
  unread(container: string): Promise<void> | undefined {
    return this.readers.get(container)?.over.promise;
  }

  restored(container: string): void {
    this.gone.delete(container);
  }

  layer(query: OpenRootLayer): StreamEndpoint {
    return this.streams.offerWhole((socket) => this.sendFrom(query.container, this.places, socket, (client, port) => this.withWritten(query, (job) => this.copying.run('packChanges', { ...job, client }, [port]))));
  }

  /** The snapshotter, as starts use it: they wait for what is copied. */
  readonly forStarts = (): Snapshotter => {
    const roots = this.roots();
    return {
      driver: roots.driver,
      own: roots.own,
      written: roots.written,
      prepare: async (root: ContainerRoot): Promise<RootSource> => {
        await this.preparing.get(root.directory);
        await this.stopped.free(root.directory);
        return roots.prepare(root);
      },
    };
  };

  async close(): Promise<void> {
    await Promise.all([this.looking.close(), this.comparing.close(), this.copying.close(), this.apart.close()]);
  }

  private send({ path, exports, ...asked }: OpenRootArchive, socket: Socket): Promise<void> {
    return this.sendFrom(asked.container, this.placesFor(asked), socket, (client, port) => this.withRoot(asked, this.copying, (root, threads) => threads.run('readArchive', { root, path, exports, client }, [port]), 'is there'));
  }

  private async sendFrom(container: string, places: Places, socket: Socket, start: (client: ClientEnd, port: MessagePort) => Promise<void>): Promise<void> {
    const place = this.placeFor(container);
    try {
      await this.reading(container, () => places.hold(place, () => handedOver(socket, place, start)));
    } finally {
      place.ended.throwIfAborted();
    }
  }

  private async receive(command: ExtractRootArchive, socket: Socket): Promise<void> {
    const { path, keepsKinds, owner } = command;
    const place = this.placeFor(command.container);
    const job = { path, keepsKinds, ...(owner ? { owner } : {}) };
    const extract = (client: ClientEnd, port: MessagePort): Promise<void> => this.withRoot(command, this.copying, (root, threads) => threads.run('extractArchive', { root, ...job, client }, [port]), 'is there');
    await this.placesFor(command).hold(place, () => handedOver(socket, place, extract)).then(
      // What was cut off between two files looks whole to who reads it.
      () => (place.ended.aborted ? socket.end(asReply(place.ended.reason)) : socket.end()),
      (error: unknown) => socket.end(asReply(place.ended.aborted ? place.ended.reason : error)),
    );
    // The client's end is seen by nobody else, nor what it sends after a refusal taken.
    socket.resume();
  }

  private async reading<T>(container: string, work: () => Promise<T>): Promise<T> {
    const readers = this.readers.get(container) ?? { count: 0, over: Promise.withResolvers<void>() };
    this.readers.set(container, readers);
    readers.count++;
    try {
      return await work();
    } finally {
      readers.count--;
      if (readers.count === 0) {
        this.readers.delete(container);
        readers.over.resolve();
      }
    }
  }

  private placeFor(container: string): ClientPlace {
    const place = new ClientPlace();
    place.ended.addEventListener('abort', () => this.onEnded(place.ended.reason, { container }));
    return place;
  }

  private async withWritten<T>(asked: Pick<OpenRootChanges, 'container' | 'layers'>, work: (job: ChangesJob) => Promise<T>): Promise<T> {
    const { container, layers } = asked;
    await this.startOf(container);
    const { path, withImage } = this.roots().written;
    const directory = this.files.directory(container);
    const written = `${directory}/${path}`;
    this.refuseGone(container);
    if (!existsSync(written)) await this.prepared(directory, asked, 'made');
    return work({ directory: written, written: withImage ? 'whole' : 'upper', image: { directory: this.layersDirectory, layers: layers.map(this.layerName) } });
  }

  /**
   * Gives `work` the root, and the threads to work there: the `usual` ones, unless it may never end. `wanted`: 'made' by the first step of a request where the container never ran; what comes
   * after it finds it, or the container is gone.
   */
  private async withRoot<T>(asked: Asked, usual: TreeThreads, work: (root: RootJob, threads: Threads) => Promise<T>, wanted: 'made' | 'is there' = 'made'): Promise<T> {
    const { container, mounts, readOnlyRoot: readOnly } = asked;
    await this.startOf(container);
    const apart = this.isDistant(asked) ? this.apart.of(container) : undefined;
    const task = this.live.byContainer(container);
    if (task && !task.hasExited) return this.withRunning(task, apart, usual, work);
    // Others may still have its root.
    this.refuseGone(container);
    const directory = this.files.directory(container);
    const open = async (): Promise<Fd> => (apart ?? this.looking).run('openStoppedRoot', { source: await this.prepared(directory, asked, wanted), readOnly, mounts: this.binds.asParts(mounts) });
    return this.stopped.with(directory, open, (root) => work({ container, root }, apart ?? usual));
  }

  /** Where others work too it is looked into as it was when that was found to end: what its processes mount meanwhile is not in it. */
  private async withRunning<T>({ identity: { container }, pid, ids }: LiveTask, apart: Threads | undefined, usual: TreeThreads, work: (root: RootJob, threads: Threads) => Promise<T>): Promise<T> {
    const mapped = ids ? { ids } : {};
    const root = apart ? undefined : await this.looking.run('holdRunningRoot', { container, pid });
    if (root === undefined) return work({ container, pid, ...mapped }, apart ?? this.apart.of(container));
    try {
      return await work({ container, root, ...mapped }, usual);
    } finally {
      void closeAside(root);
    }
  }

  /** Whether a look into it may never end. */
  private isDistant({ container, mounts }: Asked): boolean {
    const task = this.live.byContainer(container);
    if (task && !task.hasExited) return hasDistantMounts(container, task.pid);
    return this.binds.mayNeverAnswer(mounts);
  }

  /** A transfer that never ends has its place for ever: only others of the same container miss it. */
  private placesFor(asked: Asked): Places {
    return this.isDistant(asked) ? this.apart.of(asked.container) : this.places;
  }

  private async startOf(container: string): Promise<void> {
    for (const task of this.live.all()) if (task.identity.container === container && task.start) await task.start.catch(() => undefined);
  }

  private refuseGone(container: string): void {
    if (this.gone.has(container)) throw noSuch(container);
  }

  private prepared(directory: string, asked: Pick<Asked, 'container' | 'layers'>, wanted: 'made' | 'is there'): Promise<RootSource> {
    const turn = (this.preparing.get(directory) ?? Promise.resolve()).then(() => this.prepare(directory, asked, wanted));
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.preparing.set(directory, settled);
    void settled.then(() => this.preparing.get(directory) === settled && this.preparing.delete(directory));
    return turn;
  }

  /** Of one that never ran the writable layer is made now. */
  private async prepare(directory: string, { container, layers }: Pick<Asked, 'container' | 'layers'>, wanted: 'made' | 'is there'): Promise<RootSource> {
    this.refuseGone(container);
    if (wanted === 'is there' && !existsSync(directory)) throw noSuch(container);
    await mkdir(directory, { recursive: true, mode: 0o710 });
    return this.roots().prepare({ directory, layers: layers.map(this.layerName) });
  }
}

const noSuch = (container: string): BerthError => notFound(`No such container: ${container}`);
const asReply = (error: unknown): string => JSON.stringify(toErrorReply(error));

/** The socket's bytes are a thread's, until `work` on it has settled. A place that ended, or a client that is seen to leave, ends that. */
async function handedOver(socket: Socket, place: ClientPlace, work: (client: ClientEnd, port: MessagePort) => Promise<void>): Promise<void> {
  const taken = takeOver(socket);
  if (taken === undefined) throw unavailable('the client has left');
  const fd = duplicate(taken.fd);
  const { port1, port2 } = new MessageChannel();
  const end = (): void => port1.close();
  socket.once('close', end);
  place.ended.addEventListener('abort', end);
  try {
    await work({ fd, first: taken.first, marks: place.marks.memory, port: port2 }, port2);
  } finally {
    end();
    closeSync(fd);
    socket.off('close', end);
    giveBack(socket);
  }
}

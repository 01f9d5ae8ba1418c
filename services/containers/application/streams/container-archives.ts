import { constants } from 'node:fs';
import type { PathStat, ReadContainerArchive, StatContainerPath, WriteContainerArchive } from '#contracts/containers/archives.js';
import { ExtractRootArchive, OpenRootArchive, OpenRootChanges, StatRootPath } from '#contracts/executor/archives.js';
import type { RequestContext, StreamEndpoint } from '#contracts/request.js';
import { BerthError, invalid, notFound } from '#libs/errors/errors.js';
import type { Bus } from '#libs/messaging/bus.js';
import type { PresentContainer } from '../../domain/container/container-state.js';
import { numericOwner } from '../../domain/process/numeric-owner.js';
import type { ContainerDirectory, Containers } from '../names/container-directory.js';

const CHANGES_TIMEOUT_MS = 10 * 60_000;
/** Of a dry run. */
const NOWHERE: StreamEndpoint = { path: '', ticket: '' };

/** `docker cp` and `docker export`. What was copied is on the log once its way is open. */
export class ContainerArchives {
  constructor(
    private readonly containers: Containers,
    private readonly directory: ContainerDirectory,
    private readonly bus: Bus,
  ) {}

  async stat({ container, path }: StatContainerPath, asked: RequestContext): Promise<PathStat> {
    const { spec } = this.directory.find(container);
    return this.bus.request(StatRootPath, { ...rootOf(spec), path }, asked).catch((error: unknown) => missing(error, path, container));
  }

  async read({ container, path }: ReadContainerArchive, asked: RequestContext): Promise<StreamEndpoint & { readonly stat: PathStat }> {
    const { spec } = this.directory.find(container);
    const opened = asked.dryRun
      ? { ...NOWHERE, stat: await this.stat({ container, path }, asked) }
      : await this.bus.request(OpenRootArchive, { ...rootOf(spec), path, exports: false }, asked).catch((error: unknown) => missing(error, path, container));
    await this.containers.execute(spec.id, { type: 'ReadArchive', path, at: now() }, asked);
    return opened;
  }

  async write({ container, path, keepsKinds, chowns }: WriteContainerArchive, asked: RequestContext): Promise<StreamEndpoint> {
    const { spec } = this.directory.find(container);
    const owner = chowns ? numericOwner(spec.config.User ?? '') : undefined;
    const wanted = { ...rootOf(spec), path, keepsKinds, ...(owner ? { owner } : {}) };
    const opened = asked.dryRun ? await this.planned({ container, path }, asked) : await this.bus.request(ExtractRootArchive, wanted, asked).catch((error: unknown) => missing(error, path, container));
    await this.containers.execute(spec.id, { type: 'WriteArchive', path, at: now() }, asked);
    return opened;
  }

  /** Of a dry run, where something would be unpacked. */
  private async planned(place: StatContainerPath, asked: RequestContext): Promise<StreamEndpoint> {
    const { mode, linkTarget } = await this.stat(place, asked);
    if ((mode & constants.S_IFMT) !== constants.S_IFDIR && linkTarget === '') throw invalid('extraction point is not a directory');
    return NOWHERE;
  }

  /** Many files are compared; of a container with whole copies, all. */
  changes(container: string, asked: RequestContext): Promise<StreamEndpoint> {
    const { id, layers } = this.directory.find(container).spec;
    return this.bus.request(OpenRootChanges, { container: id, layers }, asked, { timeoutMs: CHANGES_TIMEOUT_MS });
  }

  async export(container: string, asked: RequestContext): Promise<StreamEndpoint> {
    const { spec } = this.directory.find(container);
    const opened = asked.dryRun ? NOWHERE : await this.bus.request(OpenRootArchive, { ...rootOf(spec), path: '/', exports: true }, asked);
    await this.containers.execute(spec.id, { type: 'Export', at: now() }, asked);
    return opened;
  }
}

const rootOf = ({ id, layers, mounts, hostConfig }: PresentContainer['spec']) => ({ container: id, layers, mounts, readOnlyRoot: hostConfig.ReadonlyRootfs ?? false });

function missing(error: unknown, path: string, container: string): never {
  if (error instanceof BerthError && error.kind === 'not-found') throw notFound(`Could not find the file ${path} in container ${container}`);
  throw error;
}

const now = (): string => new Date().toISOString();

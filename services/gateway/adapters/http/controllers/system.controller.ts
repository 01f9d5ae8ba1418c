import { arch, release } from 'node:os';
import { Body, Controller, Get, Head, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ListRemoved, type RemovedContainer } from '#contracts/containers/undo.js';
import { ListContainers } from '#contracts/containers/queries.js';
import { GetHostFacts } from '#contracts/executor/host.js';
import { ListImages, LogInToRegistry } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { ListVolumes } from '#contracts/volumes/volumes.js';
import { invalid } from '#libs/errors/errors.js';
import { readProxies } from '#libs/settings/proxies.js';
import { containerSizes, keptSizes, layerBytes, sharedBytes, volumeSizes } from '../../../application/disk-usage.js';
import { EngineClient } from '../../../application/engine-client.js';
import { imagesMeant } from '../../../application/images-meant.js';
import { containerSummary } from '../../../domain/docker/container.js';
import { imageAsked, withShownImage } from '../../../domain/docker/shown-image.js';
import { imageSummary } from '../../../domain/docker/image.js';
import { dockerVolume } from '../../../domain/docker/volume.js';
import { readCredentials } from '../../../domain/requests/registry-auth.js';
import { list, type QueryValues } from '../../../domain/requests/query-values.js';
import { dockerInfo } from '../../../domain/docker/info.js';
import { API_VERSION, isAtLeast, MIN_API_VERSION } from '../../../domain/api-version.js';
import { BERTH_VERSION } from '#libs/settings/version.js';
import { ApiVersion, Asked } from '../callers/request-context.js';

/** A registry and its token server, each with a deadline of its own. */
const LOGIN_TIMEOUT_MS = 150_000;

const OBJECT_TYPES = ['container', 'image', 'volume', 'build-cache'];

/** The engine as a whole: /_ping, /version, /info, /system/df, /auth. */
@Controller()
export class SystemController {
  constructor(private readonly engine: EngineClient) {}

  @Head('/_ping')
  headPing(@Res() reply: FastifyReply): void {
    this.pingReply(reply).send();
  }

  @Get('/_ping')
  ping(@Res() reply: FastifyReply): void {
    this.pingReply(reply).send('OK');
  }

  /** No Builder-Version: without it the CLI builds with the classic builder. */
  private pingReply(reply: FastifyReply): FastifyReply {
    return reply.headers({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-cache, no-store, must-revalidate', Pragma: 'no-cache', Swarm: 'inactive' });
  }

  @Get('/version')
  version(): Promise<object> {
    return this.engine.metrics.about('system_version', async () => engineVersion());
  }

  @Get('/info')
  info(@Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    return this.engine.metrics.about('system_info', async () => {
      const [facts, containers, images] = await Promise.all([
        this.engine.ask(GetHostFacts, {}, asked),
        this.engine.ask(ListContainers, { all: true }, asked),
        this.engine.ask(ListImages, {}, asked),
      ]);
      return dockerInfo(facts, containers.containers, images.images.length, new Date().toISOString(), this.engine.authorizationPlugins, readProxies(), version);
    });
  }

  /** What lies on the disk, by `type` (container, image, volume, build-cache; absent: all), of which versions before 1.42 know nothing. Nothing is built yet, so nothing of it is cached. */
  @Get('/system/df')
  async diskUsage(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    const types = isAtLeast(version, '1.42') ? list(query, 'type') : [];
    for (const type of types) if (!OBJECT_TYPES.includes(type)) throw invalid(`unknown object type: ${type}`);
    const wants = (type: string): boolean => types.length === 0 || types.includes(type);
    const [{ containers }, { images }, { volumes }, { removed }] = await Promise.all([this.engine.ask(ListContainers, { all: true }, asked), this.engine.ask(ListImages, {}, asked), this.engine.ask(ListVolumes, {}, asked), this.engine.ask(ListRemoved, {}, asked)]);
    const [sizes, bytes, keptBytes, meant] = await Promise.all([
      wants('container') ? containerSizes(this.engine, containers, asked) : undefined,
      wants('volume') ? volumeSizes(this.engine, volumes.map(({ name }) => name), asked) : undefined,
      wants('container') ? keptSizes(this.engine, removed.map(({ container }) => container.id), asked) : {},
      wants('container') ? imagesMeant(this.engine, containers.map(imageAsked), asked) : new Map<string, string | null>(),
    ]);
    const users = (id: string): number => containers.filter(({ imageId }) => imageId === id).length;
    const holders = (volume: string): number => containers.filter(({ mounts }) => mounts.some(({ name }) => name === volume)).length;
    // What was not asked for is there, and says nothing.
    return {
      LayersSize: wants('image') ? layerBytes(images) : 0,
      Images: wants('image') ? images.map((view) => ({ ...imageSummary(view, version), Containers: users(view.id), SharedSize: sharedBytes(view, images) })) : null,
      Containers: sizes ? containers.map((view) => containerSummary(withShownImage(view, meant), Date.now(), version, sizes.get(view.id))).concat(keptContainers(removed, keptBytes, version)) : null,
      Volumes: bytes ? volumes.map((view) => ({ ...dockerVolume(view), UsageData: { Size: bytes[view.name] ?? -1, RefCount: holders(view.name) } })) : null,
      BuildCache: wants('build-cache') ? [] : null,
    };
  }

  @Post('/auth')
  @HttpCode(200)
  async auth(@Body() body: unknown, @Asked() asked: RequestContext): Promise<object> {
    const { serveraddress: server = '', ...credentials } = readCredentials(body);
    const { identityToken } = await this.engine.ask(LogInToRegistry, { server, ...credentials }, asked, LOGIN_TIMEOUT_MS);
    return { IdentityToken: identityToken, Status: 'Login Succeeded' };
  }
}

function engineVersion(): object {
  const shared = { GitCommit: '', Os: 'linux', Arch: goArch(), KernelVersion: release(), BuildTime: '' };
  return {
    Platform: { Name: 'Berth' },
    Components: [{ Name: 'Engine', Version: BERTH_VERSION, Details: { ApiVersion: API_VERSION, MinAPIVersion: MIN_API_VERSION, GoVersion: '', Experimental: 'false', ...shared } }],
    Version: BERTH_VERSION,
    ApiVersion: API_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    GoVersion: '',
    ...shared,
  };
}

/** What removed containers still take: `docker system df` counts it as reclaimable, and `docker container prune` frees it. */
function keptContainers(removed: readonly RemovedContainer[], bytes: Readonly<Record<string, number>>, version: string): object[] {
  const withData = removed.filter(({ container: { id } }) => (bytes[id] ?? 0) > 0);
  return withData.map(({ container, until }) => {
    const writtenBytes = bytes[container.id] ?? 0;
    return { ...containerSummary(container, Date.now(), version, { writtenBytes, rootBytes: writtenBytes }), State: 'dead', Status: `Removed, kept until ${until} (berth undo)` };
  });
}

/** Node's names of machines in Go's words, which clients expect. */
function goArch(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

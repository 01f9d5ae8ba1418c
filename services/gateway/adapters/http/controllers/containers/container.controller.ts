import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ListedContainer } from '#contracts/containers/container-state.js';
import { CreateContainer, KillContainer, PauseContainer, RemoveContainer, RemoveLink, RenameContainer, ResizeContainer, RestartContainer, StartContainer, StopContainer, UnpauseContainer, UpdateContainer } from '#contracts/containers/commands.js';
import { GetContainer, ListContainers } from '#contracts/containers/queries.js';
import { ListImages } from '#contracts/images/images.js';
import { MASKED_PATHS } from '#contracts/executor/hidden-paths.js';
import { GetHostFacts, type HostFacts } from '#contracts/executor/host.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import type { CheckedNames } from '../../../../application/access-control.js';
import { containerSizes } from '../../../../application/disk-usage.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { imagesMeant, type ImagesMeant } from '../../../../application/images-meant.js';
import { LogReading } from '../../../../application/log-reading.js';
import { ShownEndpoints } from '../../../../application/shown-endpoints.js';
import { CONTAINER_FILTERS, filterContainers, wantsAll } from '../../../../domain/requests/container-filters.js';
import { isAtLeast } from '../../../../domain/api-version.js';
import { asOfVersion, checkMountsOfVersion, discardedLimits, isFields, kernelMemoryWarnings, readCreateRequest } from '../../../../domain/requests/create-request.js';
import { containerInspect, containerSummary, type ShownHost } from '../../../../domain/docker/container.js';
import { readFilters } from '../../../../domain/requests/filters.js';
import { flag, integer, ownInteger, text, type QueryValues } from '../../../../domain/requests/query-values.js';
import { descendants } from '../../../../domain/docker/image-descendants.js';
import { imageAsked, withShownImage } from '../../../../domain/docker/shown-image.js';
import { summariesJson } from '../../../../domain/docker/summary-json.js';
import { readUpdateRequest } from '../../../../domain/requests/update-request.js';
import { ApiVersion, Asked } from '../../callers/request-context.js';
import { Checked } from '../../callers/checked-names.js';
import { POSITION_HEADER } from '../../server/engine-headers.js';

/** How long a stop may take beyond its own timeout, in ms: a kill, too, waits for an executor that is away, and then for the end. */
const STOP_SLACK_MS = 60_000;
const STOP_LONGEST_MS = 24 * 3_600_000;
const START_TIMEOUT_MS = 120_000;
const DEPRECATED_MAC = 'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';
/** That a list of containers waits to hear what their images are called. */
const IMAGES_WITHIN_MS = 1_000;
/** A volume may be filled with gigabytes of the image's. */
const CREATE_TIMEOUT_MS = 31 * 60_000;

/** Containers but for their byte streams. */
@Controller('/containers')
export class ContainerController {
  private host: ShownHost | undefined;
  private readonly endpoints: ShownEndpoints;

  constructor(
    private readonly engine: EngineClient,
    private readonly log: LogReading,
  ) {
    this.endpoints = new ShownEndpoints(engine);
  }

  @Get('/json')
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<object[] | string> {
    const filters = readFilters(text(query, 'filters'), CONTAINER_FILTERS);
    const limit = integer(query, 'limit') ?? -1;
    const { containers, position } = await this.engine.ask(ListContainers, { ...(await this.minPosition(query)), all: flag(query, 'all') || limit > 0 || wantsAll(filters) }, asked);
    reply.header(POSITION_HEADER, String(position));
    const ancestors = filters.get('ancestor') ?? [];
    const meant = await this.imagesMeant(ancestors, containers, asked);
    const onThem = ancestors.length > 0 ? descendants(ancestors.map((name) => meant.get(name) ?? null), (await this.engine.ask(ListImages, {}, asked)).images) : undefined;
    const fitting = filterContainers(await this.endpoints.of(containers, asked), filters, meant, onThem);
    const now = Date.now();
    const shown = (limit > 0 ? fitting.slice(0, limit) : fitting).map((view) => withShownImage(view, meant));
    if (flag(query, 'size')) {
      const sizes = await containerSizes(this.engine, shown, asked);
      return shown.map((view) => containerSummary(view, now, version, sizes.get(view.id)));
    }
    reply.type('application/json');
    return summariesJson(shown, now, version);
  }

  /** Who looks for containers of an image has to be told; who looks at containers is not kept from it by images that nobody can tell of. */
  private async imagesMeant(ancestors: readonly string[], containers: readonly ListedContainer[], asked: RequestContext): Promise<ImagesMeant> {
    const names = [...ancestors, ...containers.map(imageAsked)];
    if (ancestors.length > 0) return await imagesMeant(this.engine, names, asked);
    return await imagesMeant(this.engine, names, asked, IMAGES_WITHIN_MS).catch(() => new Map<string, string | null>());
  }

  @Post('/create')
  async create(@Body() body: unknown, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Checked() named: CheckedNames | undefined, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const request = asOfVersion(readCreateRequest(body), version);
    checkMountsOfVersion(request, version);
    const name = text(query, 'name')?.replace(/^\/(?=.)/, '');
    const platform = text(query, 'platform');
    const created = await this.engine.ask(CreateContainer, { ...request, ...(name ? { name } : {}), ...(platform ? { platform } : {}), ...(named === undefined ? {} : { named }) }, asked, CREATE_TIMEOUT_MS);
    reply.header(POSITION_HEADER, String(created.position));
    const { MacAddress: mac } = request.config;
    const deprecated = mac && isAtLeast(version, '1.44') ? [DEPRECATED_MAC] : [];
    return { Id: created.id, Warnings: [...deprecated, ...discardedLimits(isFields(body) ? body['HostConfig'] : undefined), ...created.warnings] };
  }

  @Get('/:id/json')
  async inspect(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    const from = await this.minPosition(query);
    const [found, host] = await Promise.all([this.engine.ask(GetContainer, { container, ...from }, asked), this.shownHost(asked)]);
    const [view = found] = await this.endpoints.of([found], asked);
    const sizes = flag(query, 'size') ? await containerSizes(this.engine, [view], asked) : undefined;
    return containerInspect(view, host, version, sizes?.get(view.id));
  }

  /** ?minPosition=: who read or made that position of the log sees no older state. One that the log has not come to is waited for here: the service would look for it without end. */
  private async minPosition(query: QueryValues): Promise<{ readonly minPosition?: number }> {
    const position = ownInteger(query, 'minPosition');
    if (position === undefined || position <= 0) return {};
    await this.log.reached(position);
    return { minPosition: position };
  }

  /** Asked once: an executor keeps its driver, a host its AppArmor, and a client may not wait for one that is down to read what is known. */
  private async shownHost(asked: RequestContext): Promise<ShownHost> {
    this.host ??= await this.engine.ask(GetHostFacts, {}, asked).catch((): HostFacts | undefined => undefined);
    return this.host ?? { storageDriver: 'overlay2', securityOptions: [], maskedPaths: MASKED_PATHS };
  }

  @Post('/:id/start')
  async start(@Param('id') container: string, @Query() query: QueryValues, @Req() request: FastifyRequest, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (hasBody(request.headers)) throw invalid('starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24');
    if (text(query, 'checkpoint')) throw invalid('checkpoint is only supported in experimental mode');
    const { changed, position } = await this.engine.ask(StartContainer, { container }, asked, START_TIMEOUT_MS);
    reply.status(changed ? 204 : 304).header(POSITION_HEADER, String(position));
  }

  @Post('/:id/stop')
  async stop(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const { changed, position } = await this.engine.ask(StopContainer, { container, ...stopping(query) }, asked, stopTimeoutMs(query));
    reply.status(changed ? 204 : 304).header(POSITION_HEADER, String(position));
  }

  @Post('/:id/restart')
  @HttpCode(204)
  async restart(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(RestartContainer, { container, ...stopping(query) }, asked, stopTimeoutMs(query) + START_TIMEOUT_MS);
  }

  @Post('/:id/kill')
  @HttpCode(204)
  async kill(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    const signal = text(query, 'signal');
    await this.engine.ask(KillContainer, { container, ...(signal ? { signal } : {}) }, asked, STOP_SLACK_MS);
  }

  @Post('/:id/pause')
  @HttpCode(204)
  async pause(@Param('id') container: string, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(PauseContainer, { container }, asked, START_TIMEOUT_MS);
  }

  @Post('/:id/unpause')
  @HttpCode(204)
  async unpause(@Param('id') container: string, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(UnpauseContainer, { container }, asked, START_TIMEOUT_MS);
  }

  @Post('/:id/update')
  @HttpCode(200)
  async update(@Param('id') container: string, @Body() body: unknown, @Asked() asked: RequestContext): Promise<object> {
    const done = await this.engine.ask(UpdateContainer, { container, changes: readUpdateRequest(body) }, asked, START_TIMEOUT_MS);
    const warnings = [...kernelMemoryWarnings(body), ...done.warnings];
    return { Warnings: warnings.length === 0 ? null : warnings };
  }

  @Post('/:id/rename')
  @HttpCode(204)
  async rename(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    const name = text(query, 'name') ?? '';
    if (name === '') throw invalid('Neither old nor new names may be empty');
    await this.engine.ask(RenameContainer, { container, name }, asked);
  }

  @Delete('/:id')
  @HttpCode(204)
  async remove(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    if (flag(query, 'link')) await this.engine.ask(RemoveLink, { container }, asked);
    else await this.engine.ask(RemoveContainer, { container, force: flag(query, 'force'), volumes: flag(query, 'v') }, asked, STOP_SLACK_MS);
  }

  @Post('/:id/resize')
  @HttpCode(200)
  async resize(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(ResizeContainer, { container, ...windowSize(query) }, asked);
  }
}

/** As dockerd sees it: "{}" and "null" are none, and what comes in chunks may be any. */
function hasBody({ 'content-length': length, 'transfer-encoding': encoding }: FastifyRequest['headers']): boolean {
  return encoding !== undefined || Number(length ?? 0) > 7;
}

/** That dockerd reads; a terminal has 16 bits of them. */
const MOST_CELLS = 0xffff_ffff;

export function windowSize(query: QueryValues): { readonly rows: number; readonly columns: number } {
  const cells = (name: string, what: string): number => {
    const value = text(query, name) ?? '';
    const isNumber = /^\d+$/.test(value);
    if (!isNumber || Number(value) > MOST_CELLS) throw invalid(`invalid resize ${what} "${value}": ${isNumber || /^-\d+$/.test(value) ? 'value out of range' : 'invalid syntax'}`);
    return Math.min(Number(value), 0xffff);
  };
  return { rows: cells('h', 'height'), columns: cells('w', 'width') };
}

function stopping(query: QueryValues): { readonly signal?: string; readonly timeoutSeconds?: number } {
  const signal = text(query, 'signal');
  const timeoutSeconds = integer(query, 't');
  return { ...(signal ? { signal } : {}), ...(timeoutSeconds === undefined ? {} : { timeoutSeconds: Math.max(-1, timeoutSeconds) }) };
}

/** Without a timeout in the request the container's own counts, which is not known here. */
function stopTimeoutMs(query: QueryValues): number {
  const seconds = integer(query, 't');
  return seconds === undefined || seconds < 0 ? STOP_LONGEST_MS : Math.min(seconds * 1000 + STOP_SLACK_MS, STOP_LONGEST_MS);
}

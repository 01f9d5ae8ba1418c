import { Controller, Delete, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ListContainers } from '#contracts/containers/queries.js';
import { GetImage, ListImages, RemoveImage, TagImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { sharedBytes } from '../../../application/disk-usage.js';
import { EngineClient } from '../../../application/engine-client.js';
import { isAtLeast } from '../../../domain/api-version.js';
import { filterImages, imageHistory, IMAGE_FILTERS, imageInspect, imageSummary } from '../../../domain/docker/image.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { askedPlatforms, requireFit } from '../../../domain/requests/image-platform.js';
import { newTag } from '../../../domain/requests/new-tag.js';
import { flag, text, type QueryValues } from '../../../domain/requests/query-values.js';
import { ApiVersion, Asked } from '../callers/request-context.js';

@Controller('/images')
export class ImageController {
  constructor(private readonly engine: EngineClient) {}

  @Get('/json')
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const filters = readFilters(text(query, 'filters'), IMAGE_FILTERS);
    // Before version 1.41 a name could be asked for by itself.
    const name = isAtLeast(version, '1.41') ? '' : (text(query, 'filter') ?? '');
    const wanted = name === '' ? filters : new Map([...filters, ['reference', [...(filters.get('reference') ?? []), name]]]);
    const counts = isAtLeast(version, '1.51');
    const [{ images }, { containers }] = await Promise.all([this.engine.ask(ListImages, {}, asked), counts ? this.engine.ask(ListContainers, { all: true }, asked) : { containers: [] }]);
    const shares = isAtLeast(version, '1.42') && flag(query, 'shared-size');
    return filterImages(images, wanted, Date.now()).map((view) => ({
      ...imageSummary(view, version),
      ...(counts ? { Containers: containers.filter(({ imageId }) => imageId === view.id).length } : {}),
      ...(shares ? { SharedSize: sharedBytes(view, images) } : {}),
    }));
  }

  @Get('/:name/json')
  async inspect(@Param('name') image: string, @Query() query: QueryValues, @Headers('user-agent') client: string | undefined, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object> {
    const platforms = askedPlatforms(query, 'platform', '1.49', version);
    if (platforms.length > 0 && flag(query, 'manifests')) throw invalid('conflicting options: manifests and platform options cannot both be set');
    const view = await this.engine.ask(GetImage, { image }, asked);
    requireFit(view, platforms, image);
    return imageInspect(view, version, client);
  }

  @Get('/:name/history')
  async history(@Param('name') image: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const platforms = askedPlatforms(query, 'platform', '1.48', version);
    const view = await this.engine.metrics.history(() => this.engine.ask(GetImage, { image }, asked));
    requireFit(view, platforms, image);
    return imageHistory(view);
  }

  @Post('/:name/tag')
  async tag(@Param('name') image: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const repository = text(query, 'repo') ?? '';
    if (repository === '') {
      // There is no name to be given, and dockerd says so by this status alone.
      await this.engine.ask(GetImage, { image }, asked);
      return void reply.status(200);
    }
    await this.engine.ask(TagImage, { image, reference: newTag(repository, text(query, 'tag')) }, asked);
  }

  @Delete('/:name')
  async remove(@Param('name') image: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string): Promise<object[]> {
    const platforms = askedPlatforms(query, 'platforms', '1.50', version);
    if (platforms.length > 0) requireFit(await this.engine.ask(GetImage, { image }, asked), platforms, image);
    const { untagged, deleted } = await this.engine.ask(RemoveImage, { image, force: flag(query, 'force'), prune: !flag(query, 'noprune') }, asked, 120_000);
    return [...untagged.map((reference) => ({ Untagged: reference })), ...deleted.map((id) => ({ Deleted: id }))];
  }
}

import type { Socket } from 'node:net';
import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GetImage, ImportImage, LoadImages, PullImage, SaveImages } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { internal, invalid, unclassified } from '#libs/errors/errors.js';
import { formatPlatform } from '#libs/oci/platform.js';
import { EngineClient } from '../../../application/engine-client.js';
import { type AskedPlatform, askedPlatforms, fits } from '../../../domain/requests/image-platform.js';
import { readRegistryAuth } from '../../../domain/requests/registry-auth.js';
import { flag, list, text, type QueryValues } from '../../../domain/requests/query-values.js';
import { ApiVersion, Asked } from '../callers/request-context.js';
import { planIn } from '../streams/plan-in.js';
import { sendBody } from '../streams/send-body.js';
import { streamReply } from '../streams/stream-reply.js';

/** Images as byte streams: pull, import, load, save. */
@Controller('/images')
export class ImageStreamsController {
  constructor(private readonly engine: EngineClient) {}

  @Post('/create')
  @HttpCode(200)
  async create(@Query() query: QueryValues, @Asked() asked: RequestContext, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    // A client of old says with a colon that no tag follows.
    const image = (text(query, 'fromImage') ?? '').replace(/:$/, '');
    const tag = text(query, 'tag') ?? '';
    if (image === '') return this.importImage(query, asked, request, reply);
    const platform = text(query, 'platform');
    const auth = readRegistryAuth(request.headers['x-registry-auth']);
    const start = performance.now();
    const endpoint = await this.engine.ask(PullImage, { reference: reference(image, tag), allTags: tag === '', ...(platform ? { platform } : {}), ...(auth === undefined ? {} : { auth }) }, asked, 60_000);
    const stream = await this.engine.download(endpoint);
    // Its end is the pull's: a client that left destroys it before.
    stream.once('end', () => this.engine.metrics.pulled((performance.now() - start) / 1000));
    streamReply(reply, 'application/json', stream);
  }

  private async importImage(query: QueryValues, asked: RequestContext, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (!text(query, 'fromSrc')) throw unclassified('Get "http:": http: no Host in request URL'); // dockerd imports from there
    if (text(query, 'fromSrc') !== '-') throw invalid('Berth imports from the request body alone: fromSrc has to be "-"');
    const repository = text(query, 'repo') ?? '';
    const platform = text(query, 'platform');
    const wanted = { reference: repository === '' ? '' : reference(repository, text(query, 'tag') ?? ''), message: text(query, 'message') ?? '', changes: [...list(query, 'changes')], ...(platform ? { platform } : {}) };
    const endpoint = await this.engine.ask(ImportImage, wanted, asked);
    await exchange(request, reply, await this.engine.open(endpoint), asked);
  }

  @Post('/load')
  @HttpCode(200)
  async load(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [wanted, ...others] = askedPlatforms(query, 'platform', '1.48', version);
    if (others.length > 0) throw invalid('multiple platform parameters not supported');
    const endpoint = await this.engine.ask(LoadImages, { quiet: flag(query, 'quiet'), ...(wanted === undefined ? {} : { platform: formatPlatform(wanted.platform) }) }, asked);
    await exchange(request, reply, await this.engine.open(endpoint), asked);
  }

  @Get('/get')
  async saveMany(@Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Res() reply: FastifyReply): Promise<void> {
    const images = list(query, 'names');
    if (images.length === 0) throw invalid('names of images to save are needed');
    await this.save(images, askedPlatforms(query, 'platform', '1.48', version), asked, reply);
  }

  @Get('/:name/get')
  async saveOne(@Param('name') image: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Res() reply: FastifyReply): Promise<void> {
    await this.save([image], askedPlatforms(query, 'platform', '1.48', version), asked, reply);
  }

  private async save(images: readonly string[], platforms: readonly AskedPlatform[], asked: RequestContext, reply: FastifyReply): Promise<void> {
    for (const image of platforms.length > 0 ? images : []) {
      const view = await this.engine.ask(GetImage, { image }, asked);
      for (const platform of platforms) if (!fits(view, platform)) throw internal(`no suitable export target found for platform ${platform.name}`);
    }
    const endpoint = await this.engine.ask(SaveImages, { images }, asked);
    streamReply(reply, 'application/x-tar', await this.engine.download(endpoint));
  }
}

/** The request's body into the stream, while what the stream says goes back; of a dry run, what it says at last. */
async function exchange(request: FastifyRequest, reply: FastifyReply, stream: Socket, { dryRun }: RequestContext): Promise<void> {
  const told = sendBody(request.raw, stream);
  if (dryRun) throw await planIn(told);
  streamReply(reply, 'application/json', told);
}

/** `tag` may be a digest, and the image may carry its own tag. */
function reference(image: string, tag: string): string {
  if (tag === '') return image;
  return tag.includes(':') ? `${image}@${tag}` : `${image}:${tag}`;
}

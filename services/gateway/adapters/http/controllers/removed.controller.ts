import { Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DiscardContainer, ListRemoved, RestoreContainer } from '#contracts/containers/undo.js';
import type { DiscardReply, RemovedReply, RestoreReply } from '#contracts/gateway/log-replies.js';
import type { RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../../application/engine-client.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';
import { Asked } from '../callers/request-context.js';
import { POSITION_HEADER } from '../server/engine-headers.js';

const RESTORE_TIMEOUT_MS = 120_000;

/** What was removed, and can come back. */
@Controller('/berth/removed')
export class RemovedController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<RemovedReply[]> {
    const { removed, position } = await this.engine.ask(ListRemoved, {}, asked);
    reply.header(POSITION_HEADER, String(position));
    return removed.map(({ container: { id, name, imageRef }, removedAt, until }) => ({ id, name, image: imageRef, removedAt, until }));
  }

  @Post('/:name/restore')
  @HttpCode(200)
  async restore(@Param('name') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<RestoreReply> {
    const wanted = text(query, 'name');
    const { id, name, position } = await this.engine.ask(RestoreContainer, { container, ...(wanted ? { name: wanted } : {}) }, asked, RESTORE_TIMEOUT_MS);
    reply.header(POSITION_HEADER, String(position));
    return { id, name };
  }

  @Delete('/:name')
  async discard(@Param('name') container: string, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<DiscardReply> {
    const { position } = await this.engine.ask(DiscardContainer, { container }, asked, RESTORE_TIMEOUT_MS);
    reply.header(POSITION_HEADER, String(position));
    return { discarded: container };
  }
}

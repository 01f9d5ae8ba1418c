import { Body, Controller, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EditContainer, RevertContainer } from '#contracts/containers/edit.js';
import { ProtectContainer, UnprotectContainer } from '#contracts/containers/protection.js';
import type { EditReply, ProtectionReply } from '#contracts/gateway/log-replies.js';
import type { Done, RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../../application/engine-client.js';
import { readEditRequest } from '../../../domain/requests/edit-request.js';
import { ownInteger, type QueryValues } from '../../../domain/requests/query-values.js';
import { Asked } from '../callers/request-context.js';
import { POSITION_HEADER } from '../server/engine-headers.js';

/** A new volume may be filled with gigabytes of the image's. */
const EDIT_TIMEOUT_MS = 31 * 60_000;

/** Changes that Docker does not have; contracts/gateway/log-replies.ts lists the routes. */
@Controller('/berth/containers')
export class BerthCommandsController {
  constructor(private readonly engine: EngineClient) {}

  @Post('/:name/protect')
  @HttpCode(200)
  async protect(@Param('name') container: string, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<ProtectionReply> {
    return withPosition(await this.engine.ask(ProtectContainer, { container }, asked), reply);
  }

  @Post('/:name/unprotect')
  @HttpCode(200)
  async unprotect(@Param('name') container: string, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<ProtectionReply> {
    return withPosition(await this.engine.ask(UnprotectContainer, { container }, asked), reply);
  }

  @Post('/:name/edit')
  @HttpCode(200)
  async edit(@Param('name') container: string, @Body() body: unknown, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<EditReply> {
    return withPosition(await this.engine.ask(EditContainer, { container, changes: readEditRequest(body) }, asked, EDIT_TIMEOUT_MS), reply);
  }

  @Post('/:name/revert')
  @HttpCode(200)
  async revert(@Param('name') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<EditReply> {
    const version = ownInteger(query, 'to');
    return withPosition(await this.engine.ask(RevertContainer, { container, ...(version === undefined ? {} : { version }) }, asked, EDIT_TIMEOUT_MS), reply);
  }
}

/** The position goes into the header, where that of every command is. */
function withPosition<Reply extends Done>({ position, ...rest }: Reply, reply: FastifyReply): Omit<Reply, 'position'> {
  reply.header(POSITION_HEADER, String(position));
  return rest;
}

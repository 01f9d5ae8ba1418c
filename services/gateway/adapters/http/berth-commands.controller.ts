import { Controller, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ProtectContainer, type ProtectionChanged, UnprotectContainer } from '#contracts/containers/protection.js';
import type { ProtectionReply } from '#contracts/gateway/log-replies.js';
import type { RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../application/engine-client.js';
import { Asked } from './asked.js';
import { POSITION_HEADER } from './engine-headers.js';

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
}

/** The position goes into the header, where that of every command is. */
function withPosition({ position, ...rest }: ProtectionChanged, reply: FastifyReply): ProtectionReply {
  reply.header(POSITION_HEADER, String(position));
  return rest;
}

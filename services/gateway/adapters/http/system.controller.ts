import { arch, release } from 'node:os';
import { Controller, Get, Head, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ListContainers } from '#contracts/containers/queries.js';
import { GetHostFacts } from '#contracts/executor/host.js';
import { ListImages } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { notImplemented } from '#libs/errors/errors.js';
import { EngineClient } from '../../application/engine-client.js';
import { dockerInfo } from '../../domain/docker-info.js';
import { API_VERSION, MIN_API_VERSION } from '../../domain/api-version.js';
import { BERTH_VERSION } from '../../domain/version.js';
import { Asked } from './asked.js';

/** The engine as a whole: /_ping, /version, /info, /auth. */
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
  version(): object {
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

  @Get('/info')
  async info(@Asked() asked: RequestContext): Promise<object> {
    const [facts, containers, images] = await Promise.all([
      this.engine.ask(GetHostFacts, {}, asked),
      this.engine.ask(ListContainers, { all: true }, asked),
      this.engine.ask(ListImages, {}, asked),
    ]);
    return dockerInfo(facts, containers.containers, images.images.length, new Date().toISOString());
  }

  @Post('/auth')
  auth(@Req() _request: FastifyRequest): never {
    throw notImplemented('Berth does not support POST /auth yet');
  }
}

/** Node's names of machines in Go's words, which clients expect. */
function goArch(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}

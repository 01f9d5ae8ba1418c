import { Controller, Get, Head, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ExportContainer, ListContainerChanges, ReadContainerArchive, StatContainerPath, WriteContainerArchive } from '#contracts/containers/archives.js';
import type { PathChange } from '#contracts/executor/archives.js';
import type { RequestContext } from '#contracts/request.js';
import { type ErrorReply, fromErrorReply, invalid } from '#libs/errors/errors.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { PATH_STAT_HEADER, pathStatHeader } from '../../../../domain/docker/path-stat-header.js';
import { flag, text, type QueryValues } from '../../../../domain/requests/query-values.js';
import { Asked } from '../../callers/request-context.js';
import { sendBody } from '../../streams/send-body.js';
import { streamReply } from '../../streams/stream-reply.js';
import { wholeText } from '../../streams/whole-text.js';

const CHANGES_TIMEOUT_MS = 10 * 60_000;
/** As the Engine API numbers them. */
const CHANGE_KINDS = { modified: 0, added: 1, deleted: 2 } as const;

/** Files of containers: cp, export and diff. */
@Controller('/containers')
export class ContainerArchivesController {
  constructor(private readonly engine: EngineClient) {}

  @Head('/:id/archive')
  @HttpCode(200)
  async stat(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const stat = await this.engine.ask(StatContainerPath, { container, path: pathOf(query) }, asked);
    reply.header(PATH_STAT_HEADER, pathStatHeader(stat));
  }

  @Get('/:id/archive')
  async read(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    const opened = await this.engine.ask(ReadContainerArchive, { container, path: pathOf(query) }, asked);
    reply.header(PATH_STAT_HEADER, pathStatHeader(opened.stat));
    streamReply(reply, 'application/x-tar', await this.engine.download(opened));
  }

  @Put('/:id/archive')
  @HttpCode(200)
  async write(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Req() request: FastifyRequest): Promise<void> {
    const wanted = { container, path: pathOf(query), keepsKinds: flag(query, 'noOverwriteDirNonDir'), chowns: flag(query, 'copyUIDGID') };
    const stream = await this.engine.open(await this.engine.ask(WriteContainerArchive, wanted, asked));
    const outcome = await wholeText(sendBody(request.raw, stream));
    // An archive that was refused is told about by a kind and a text.
    if (outcome !== '') throw fromErrorReply(JSON.parse(outcome) as ErrorReply);
  }

  @Get('/:id/changes')
  async changes(@Param('id') container: string, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const opened = await this.engine.ask(ListContainerChanges, { container }, asked, CHANGES_TIMEOUT_MS);
    const changes = JSON.parse(await wholeText(await this.engine.download(opened))) as readonly PathChange[];
    reply.header('Content-Type', 'application/json');
    return `${JSON.stringify(changes.length === 0 ? null : changes.map(({ path, kind }) => ({ Path: path, Kind: CHANGE_KINDS[kind] })))}\n`;
  }

  @Get('/:id/export')
  async export(@Param('id') container: string, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    const opened = await this.engine.ask(ExportContainer, { container }, asked);
    streamReply(reply, 'application/octet-stream', await this.engine.download(opened));
  }
}

function pathOf(query: QueryValues): string {
  const path = text(query, 'path') ?? '';
  if (path === '') throw invalid('bad parameter: pathcannot be empty');
  return path;
}

import { pipeline } from 'node:stream/promises';
import { Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ReadLogs } from '#contracts/containers/commands.js';
import { GetContainer, type WaitCondition } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { attachRequest, openAttach } from '../../../../application/attach.js';
import { ContainerFeed } from '../../../../application/container-feed.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { OutputsUnderWay } from '../../../../application/outputs-under-way.js';
import { waitContainer, waitedRun } from '../../../../application/wait-container.js';
import { versionOf } from '../../../../domain/api-version.js';
import { failureText } from '../../../../domain/docker/failure-text.js';
import { readTimeLimit } from '../../../../domain/docker/time.js';
import { parseDetachKeys, watchingFor } from '../../../../domain/requests/detach-keys.js';
import { flag, text, type QueryValues } from '../../../../domain/requests/query-values.js';
import { Asked } from '../../callers/request-context.js';
import { RAW_STREAM, streamType } from '../../streams/hijack.js';
import { splice } from '../../streams/splice.js';
import { begin, streamReply } from '../../streams/stream-reply.js';
import { takeOver } from '../../streams/take-over.js';
import { departureOf } from '../../streams/when-gone.js';

const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

/** What answers in pieces: logs, wait, and attach for clients that do not ask for an upgrade. */
@Controller('/containers')
export class ContainerStreamsController {
  constructor(
    private readonly engine: EngineClient,
    private readonly feed: ContainerFeed,
    private readonly outputs: OutputsUnderWay,
  ) {}

  @Get('/:id/logs')
  async logs(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const stdout = flag(query, 'stdout');
    const stderr = flag(query, 'stderr');
    if (!stdout && !stderr) throw invalid('Bad parameters: you must choose at least one stream');
    const wanted = {
      container,
      stdout,
      stderr,
      follow: flag(query, 'follow'),
      timestamps: flag(query, 'timestamps'),
      tail: lines(text(query, 'tail')),
      details: flag(query, 'details'),
      ...(await this.limits(container, query, asked)),
    };
    const logs = await this.engine.ask(ReadLogs, wanted, asked);
    const stream = await this.engine.download(logs);
    streamReply(reply, streamType(versionOf(request.originalUrl), logs.terminal), stream);
  }

  private async limits(container: string, query: QueryValues, asked: RequestContext): Promise<{ readonly since: string; readonly until: string }> {
    try {
      return { since: readTimeLimit(text(query, 'since')), until: readTimeLimit(text(query, 'until')?.replace(/^0$/, '')) }; // 0 is none here, as in dockerd
    } catch (error) {
      await this.engine.ask(GetContainer, { container }, asked); // as dockerd, which says first that there is none
      throw error;
    }
  }

  /** The headers go out before the container is started: the CLI starts it once it has seen them. */
  @Post('/:id/wait')
  async wait(@Param('id') id: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    const condition = CONDITIONS.find((one) => one === (text(query, 'condition') || 'not-running'));
    if (condition === undefined) throw invalid(`invalid condition: "${text(query, 'condition')}"`);
    const container = await this.engine.ask(GetContainer, { container: id }, asked);
    const { registered, result } = waitContainer(this.engine, this.feed, container, condition, asked, departureOf(reply.raw));
    await registered;
    begin(reply, 'application/json');
    const answer = await result;
    await this.outputs.sent(container.id, condition === 'removed' ? Infinity : waitedRun(container, condition));
    reply.raw.end(`${JSON.stringify(answer)}\n`);
  }

  /** What comes here asked for no upgrade (hijack.ts serves those that do). */
  @Get('/:id/attach/ws')
  async attachWebSocket(@Param('id') container: string, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    await this.engine.ask(GetContainer, { container }, asked);
    void reply.status(400).headers({ 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }).send('not websocket protocol');
  }

  @Post('/:id/attach')
  async attach(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    const keys = parseDetachKeys(text(query, 'detachKeys') ?? '');
    const wanted = attachRequest(container, query);
    const attached = await openAttach(this.engine, this.feed, wanted, asked, departureOf(reply.raw));
    const logs = attached.logs === undefined ? undefined : await this.engine.download(attached.logs);
    const client = takeOver(reply, RAW_STREAM);
    if (wanted.stdout || wanted.stderr) this.outputs.add(attached.run.container, attached.run.start, client);
    try {
      if (logs !== undefined) await pipeline(logs, client, { end: false });
    } catch {
      client.destroy();
    }
    const stream = await attached.stream().catch((error: unknown) => failureText(error, attached.terminal));
    if (stream === undefined || stream instanceof Uint8Array) return void client.end(stream);
    await splice(client, stream, { stdin: attached.stdin, endsWithInput: attached.endsWithInput, ...(attached.terminal && attached.stdin ? { detach: watchingFor(keys), detached: attached.detached } : {}) });
  }
}

/** "all", '' and what is no number are all lines, as in dockerd. */
function lines(tail: string | undefined): number {
  return tail !== undefined && /^\d{1,9}$/.test(tail) ? Number(tail) : -1;
}

import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ListProcesses } from '#contracts/containers/commands.js';
import { GetContainer } from '#contracts/containers/queries.js';
import type { ContainerView } from '#contracts/containers/container-state.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, invalid } from '#libs/errors/errors.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { UsageFeed } from '../../../../application/usage-feed.js';
import { isAtLeast } from '../../../../domain/api-version.js';
import { containerStats, type Reading } from '../../../../domain/docker/stats.js';
import { flag, text, type QueryValues } from '../../../../domain/requests/query-values.js';
import { ApiVersion, Asked } from '../../callers/request-context.js';
import { begin } from '../../streams/stream-reply.js';
import { whenGone } from '../../streams/when-gone.js';
import { ContainerFeed } from '../../../../application/container-feed.js';

/** What containers consist of and what they use: top and stats. */
@Controller('/containers')
export class ContainerUsageController {
  constructor(
    private readonly engine: EngineClient,
    private readonly feed: UsageFeed,
    private readonly containers: ContainerFeed,
  ) {}

  @Get('/:id/top')
  async top(@Param('id') container: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const psArgs = text(query, 'ps_args');
    const { titles, processes } = await this.engine.ask(ListProcesses, { container, ...(psArgs ? { psArgs } : {}) }, asked);
    return { Processes: processes, Titles: titles };
  }

  @Get('/:id/stats')
  async stats(@Param('id') id: string, @Query() query: QueryValues, @Asked() asked: RequestContext, @ApiVersion() version: string, @Res() reply: FastifyReply): Promise<void> {
    const stream = query['stream'] === undefined || flag(query, 'stream');
    const oneShot = isAtLeast(version, '1.41') && flag(query, 'one-shot');
    const view = await this.engine.ask(GetContainer, { container: id }, asked);
    if (stream && oneShot) throw invalid('cannot have stream=true and one-shot=true');
    if (stream) return this.stream(view, asked, reply);
    const runs = view.status === 'running' || view.status === 'paused';
    const [before, now] = !runs ? [] : oneShot ? [undefined, await this.feed.once(view.id, asked)] : await this.two(view.id);
    begin(reply, 'application/json');
    reply.raw.end(`${JSON.stringify(containerStats(view, now, before))}\n`);
  }

  /** Rates need two readings. The first may find a container that has just ended. */
  private two(container: string): Promise<readonly [Reading | undefined, Reading | undefined]> {
    return new Promise((resolve) => {
      let first: Reading | undefined;
      const end = this.feed.listen(container, (reading) => {
        if (reading !== undefined && first === undefined) return void (first = reading);
        end();
        resolve([first, reading]);
      });
    });
  }

  /** A document a second until the client leaves or the container is removed. A client that reads slowly misses some. */
  private stream(view: ContainerView, asked: RequestContext, reply: FastifyReply): void {
    begin(reply, 'application/json');
    const { raw } = reply;
    let { name } = view;
    const renamed = this.containers.whenRenamed(view.id, (now) => (name = now));
    let before: Reading | undefined;
    const write = (now: Reading | undefined): void => {
      if (!raw.writableNeedDrain) raw.write(`${JSON.stringify(containerStats({ id: view.id, name }, now, before))}\n`);
      before = now;
    };
    const end = this.feed.listen(view.id, (now) => {
      if (now !== undefined) return write(now);
      this.engine.ask(GetContainer, { container: view.id }, asked).then(
        () => write(undefined),
        (error: unknown) => error instanceof BerthError && error.kind === 'not-found' && raw.end(),
      );
    });
    whenGone(raw, () => {
      end();
      renamed();
    });
  }
}

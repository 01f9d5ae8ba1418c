import { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { LoggedContainer, RunReply, StatusReply, VerifyReply, WhyReply } from '#contracts/gateway/log-replies.js';
import { GetImage } from '#contracts/images/images.js';
import type { RequestContext } from '#contracts/request.js';
import { BerthError, invalid, notFound } from '#libs/errors/errors.js';
import type { Moment } from '../../../application/log-chronicle.js';
import { LogReading } from '../../../application/log-reading.js';
import { LogVerification } from '../../../application/log-verification.js';
import { EngineClient, PROCESSES, RUN_ROOT } from '../../../application/engine-client.js';
import { readTime } from '../../../domain/log/at-time.js';
import { engineStatus } from '../../../domain/log/engine-status.js';
import { runCommand } from '../../../domain/log/run-command.js';
import { why } from '../../../domain/log/why.js';
import { flag, ownInteger, text, type QueryValues } from '../../../domain/requests/query-values.js';
import { Asked } from '../callers/request-context.js';
import { drained } from '../streams/drained.js';
import { POSITION_HEADER } from '../server/engine-headers.js';
import { begin, streamReply } from '../streams/stream-reply.js';
import { departureOf } from '../streams/when-gone.js';
import { isReady } from './is-ready.js';

/** A client that follows slower than the log grows is cut off at this many bytes; it resumes after the last position it saw. */
const BACKLOG_BYTES = 64 * 1024 * 1024;

/** What only a log can tell; contracts/gateway/log-replies.ts lists the routes. */
@Controller('/berth')
export class BerthController {
  constructor(
    private readonly log: LogReading,
    private readonly verification: LogVerification,
    private readonly engine: EngineClient,
    @Inject(RUN_ROOT) private readonly runRoot: string,
    @Inject(PROCESSES) private readonly processes: readonly string[],
  ) {}

  @Get('/containers')
  async list(@Query() query: QueryValues, @Res({ passthrough: true }) reply: FastifyReply): Promise<LoggedContainer[]> {
    return [...(await this.momentOf(query, reply)).chronicle.containers.values()];
  }

  @Get('/containers/:name')
  async inspect(@Param('name') name: string, @Query() query: QueryValues, @Res({ passthrough: true }) reply: FastifyReply): Promise<LoggedContainer> {
    const at = text(query, 'at') ?? '';
    return this.log.container(await this.momentOf(query, reply), name, departureOf(reply.raw)).catch((error: unknown) => {
      throw at !== '' && error instanceof BerthError && error.kind === 'not-found' ? notFound(`at ${at} there was no container "${name}"`) : error;
    });
  }

  @Get('/containers/:name/run')
  async run(@Param('name') wanted: string, @Asked() asked: RequestContext, @Res({ passthrough: true }) reply: FastifyReply): Promise<RunReply> {
    const { id, name, created } = await this.log.containerNow(wanted, departureOf(reply.raw));
    const image = await this.engine.ask(GetImage, { image: created.imageId }, asked).catch(() => undefined);
    return { id, name, run: runCommand(created, name, image?.config) };
  }

  @Get('/why/:name')
  async why(@Param('name') wanted: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<WhyReply> {
    const container = await this.log.containerNow(wanted, departureOf(reply.raw));
    const { id, name, status, since } = container;
    return { id, name, status, since, why: why(container, new Date().toISOString()) };
  }

  @Get('/history/:name')
  async history(@Param('name') wanted: string, @Res() reply: FastifyReply): Promise<void> {
    const { pieces, position } = await this.log.history(wanted, departureOf(reply.raw));
    reply.header(POSITION_HEADER, String(position));
    streamReply(reply, 'application/json; charset=utf-8', Readable.from(jsonList(pieces)));
  }

  @Get('/status')
  async status(): Promise<StatusReply> {
    const { moment, position } = await this.log.at(Number.POSITIVE_INFINITY);
    return engineStatus(moment.chronicle, position, this.processes, this.processes.filter((process) => isReady(this.runRoot, process)));
  }

  @Get('/log/verify')
  async verify(@Query() query: QueryValues, @Res({ passthrough: true }) reply: FastifyReply): Promise<VerifyReply> {
    const { broken, ...report } = await this.verification.verify(positionIn(query), departureOf(reply.raw));
    return { ...report, broken: [...broken] };
  }

  @Get('/events')
  async events(@Query() query: QueryValues, @Res() reply: FastifyReply): Promise<void> {
    const from = positionIn(query);
    await this.log.requirePosition(from);
    const { raw } = reply;
    begin(reply, 'application/x-ndjson');
    try {
      await this.log.entries(from, flag(query, 'follow'), {
        take: (entries, isPast) => {
          if (!isPast && raw.writableLength > BACKLOG_BYTES) raw.destroy();
          else raw.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
        },
        ready: () => drained(raw),
        gone: departureOf(raw),
      });
      raw.end();
    } catch {
      raw.destroy();
    }
  }

  private async momentOf(query: QueryValues, reply: FastifyReply): Promise<Moment> {
    const at = text(query, 'at');
    const until = at === undefined || at === '' ? Infinity : readTime(at, Date.now());
    await this.log.reached(ownInteger(query, 'minPosition') ?? 0);
    const { moment, position } = await this.log.at(until);
    reply.header(POSITION_HEADER, String(position));
    return moment;
  }
}

/** A list with each of its members on a line of its own. */
async function* jsonList(pieces: AsyncIterable<readonly object[]>): AsyncIterable<string> {
  let between = '[\n';
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    yield between + piece.map((one) => JSON.stringify(one)).join(',\n');
    between = ',\n';
  }
  yield between === '[\n' ? '[]\n' : '\n]\n';
}

/** Of the log, from which a reader goes on; 0 where none is given. */
function positionIn(query: QueryValues): number {
  const from = ownInteger(query, 'from') ?? 0;
  if (from < 0) throw invalid('"from" is a position of the log: a whole number from 0 on');
  return from;
}

import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CreateExec, ResizeExec, StartExec } from '#contracts/containers/commands.js';
import { GetExec } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { startExec } from '../../../../application/start-exec.js';
import { execInspect } from '../../../../domain/docker/exec.js';
import { parseDetachKeys, watchingFor } from '../../../../domain/requests/detach-keys.js';
import { readExecRequest, readExecStart } from '../../../../domain/requests/exec-request.js';
import { failureText } from '../../../../domain/docker/failure-text.js';
import type { QueryValues } from '../../../../domain/requests/query-values.js';
import { Asked } from '../../callers/request-context.js';
import { RAW_STREAM } from '../../streams/hijack.js';
import { execOutput } from '../../streams/exec-output.js';
import { splice } from '../../streams/splice.js';
import { takeOver } from '../../streams/take-over.js';
import { windowSize } from './container.controller.js';

/** One that has not started is waited for. */
const RESIZE_TIMEOUT_MS = 15_000;

@Controller()
export class ExecController {
  constructor(private readonly engine: EngineClient) {}

  @Post('/containers/:id/exec')
  async create(@Param('id') container: string, @Body() body: unknown, @Asked() asked: RequestContext): Promise<object> {
    const { id } = await this.engine.ask(CreateExec, { container, ...readExecRequest(body) }, asked);
    return { Id: id };
  }

  /** Detached, or of a client that asks for no upgrade. */
  @Post('/exec/:id/start')
  async start(@Param('id') exec: string, @Body() body: unknown, @Asked() asked: RequestContext, @Res() reply: FastifyReply): Promise<void> {
    const { detach, raw, consoleSize } = readExecStart(body);
    if (detach) {
      await this.engine.ask(StartExec, { exec, detach, ...(consoleSize ? { consoleSize } : {}) }, asked);
      return void reply.status(200).send();
    }
    const { terminal, endsWithInput, detachKeys, detached, stream, exitKnown } = await startExec(this.engine, exec, consoleSize, asked);
    const client = takeOver(reply, RAW_STREAM); // of whatever version the client is, as dockerd
    const streams = await stream().then((open) => execOutput(open, { terminal, raw })).catch((error: unknown) => failureText(error, raw));
    if (streams instanceof Uint8Array) return void client.end(streams);
    await splice(client, streams, { stdin: true, endsWithInput, beforeEnd: exitKnown, ...(terminal ? { detach: watchingFor(parseDetachKeys(detachKeys)), detached } : {}) });
  }

  @Post('/exec/:id/resize')
  @HttpCode(200)
  async resize(@Param('id') exec: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(ResizeExec, { exec, ...windowSize(query) }, asked, RESIZE_TIMEOUT_MS);
  }

  @Get('/exec/:id/json')
  async inspect(@Param('id') exec: string, @Asked() asked: RequestContext): Promise<object> {
    return execInspect(await this.engine.ask(GetExec, { exec }, asked));
  }
}

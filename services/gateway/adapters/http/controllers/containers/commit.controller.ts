import { Body, Controller, Post, Query } from '@nestjs/common';
import { CommitContainer } from '#contracts/containers/commands.js';
import type { RequestContext } from '#contracts/request.js';
import { invalid } from '#libs/errors/errors.js';
import { EngineClient } from '../../../../application/engine-client.js';
import { readCommitConfig } from '../../../../domain/requests/create-request.js';
import { newTag } from '../../../../domain/requests/new-tag.js';
import { flag, list, text, type QueryValues } from '../../../../domain/requests/query-values.js';
import { Asked } from '../../callers/request-context.js';

const COMMIT_TIMEOUT_MS = 61 * 60_000;

/** `docker commit`. */
@Controller('/commit')
export class CommitController {
  constructor(private readonly engine: EngineClient) {}

  @Post()
  async commit(@Body() body: unknown, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const container = text(query, 'container') ?? '';
    if (container === '') throw invalid('invalid name or ID supplied: ""');
    const repository = text(query, 'repo') ?? '';
    const config = readCommitConfig(body);
    const wanted = {
      container,
      reference: repository === '' ? '' : newTag(repository, text(query, 'tag')),
      author: text(query, 'author') ?? '',
      comment: text(query, 'comment') ?? '',
      changes: [...list(query, 'changes')],
      ...(config === undefined ? {} : { config }),
      pause: text(query, 'pause') ? flag(query, 'pause') : true,
    };
    const { image } = await this.engine.ask(CommitContainer, wanted, asked, COMMIT_TIMEOUT_MS);
    return { Id: image };
  }
}

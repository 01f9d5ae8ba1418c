import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EventFeed } from '../../application/event-feed.js';
import { EVENT_FILTERS, eventFits, eventLine } from '../../domain/docker/event.js';
import { readTimeLimit } from '../../domain/docker/time.js';
import { readFilters } from '../../domain/requests/filters.js';
import { text, type QueryValues } from '../../domain/requests/query-values.js';
import { begin } from './stream-reply.js';
import { departureOf } from './when-gone.js';

/** A client that reads slower than events come is cut off at this many bytes, instead of growing the gateway. */
const BACKLOG_BYTES = 8 * 1024 * 1024;

@Controller()
export class EventsController {
  constructor(private readonly feed: EventFeed) {}

  @Get('/events')
  async events(@Query() query: QueryValues, @Res() reply: FastifyReply): Promise<void> {
    const filters = readFilters(text(query, 'filters'), EVENT_FILTERS);
    const window = { since: readTimeLimit('since', text(query, 'since')), until: readTimeLimit('until', text(query, 'until')) };
    const { raw } = reply;
    begin(reply, 'application/json');
    try {
      await this.feed.subscribe(
        window,
        (event) => {
          if (!eventFits(event, filters)) return;
          if (raw.writableLength > BACKLOG_BYTES) raw.destroy();
          else raw.write(eventLine(event));
        },
        departureOf(raw),
      );
      raw.end();
    } catch {
      raw.destroy();
    }
  }
}

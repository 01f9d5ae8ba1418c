import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { invalid } from '#libs/errors/errors.js';
import { EventFeed, type EventWindow } from '../../../application/event-feed.js';
import { eventFits, eventLine } from '../../../domain/docker/event.js';
import { readTimeLimit } from '../../../domain/docker/time.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';
import { drained } from '../streams/drained.js';
import { begin } from '../streams/stream-reply.js';
import { departureOf } from '../streams/when-gone.js';

/** A client that reads slower than events happen is cut off at this many bytes, instead of growing the gateway. */
const BACKLOG_BYTES = 8 * 1024 * 1024;

@Controller()
export class EventsController {
  constructor(private readonly feed: EventFeed) {}

  @Get('/events')
  async events(@Query() query: QueryValues, @Res() reply: FastifyReply): Promise<void> {
    const window = readWindow(text(query, 'since'), text(query, 'until'));
    const filters = readFilters(text(query, 'filters')); // one that means nothing is passed over, as with dockerd
    const { raw } = reply;
    begin(reply, 'application/json');
    try {
      await this.feed.subscribe(window, {
        take: (event, isPast) => {
          if (!eventFits(event, filters)) return;
          if (!isPast && raw.writableLength > BACKLOG_BYTES) raw.destroy();
          else raw.write(eventLine(event));
        },
        ready: () => drained(raw),
        gone: departureOf(raw),
      });
      raw.end();
    } catch {
      raw.destroy();
    }
  }
}

function readWindow(from: string | undefined, to: string | undefined): EventWindow {
  const since = readTimeLimit(from);
  const until = readTimeLimit(to);
  if (until !== '' && until < since) throw invalid(`\`since\` time (${from}) cannot be after \`until\` time (${to})`);
  // The year in which time begins bounds nothing: dockerd then tells all that is past.
  return { since, until: until !== '' && Date.parse(until) <= 0 ? new Date().toISOString() : until };
}

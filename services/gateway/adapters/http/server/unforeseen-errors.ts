import { HttpException } from '@nestjs/common';
import { BerthError } from '#libs/errors/errors.js';
import { logger } from '#libs/telemetry/logger.js';

const log = logger('gateway');

/** What nobody foresaw is our fault. The client sees its text alone, so the rest is told here; all other errors are the client's to know. */
export function reportUnforeseen(error: unknown, request: string): void {
  if (error instanceof BerthError || error instanceof HttpException) return;
  log.error('a request failed as nobody foresaw', { request, error });
}

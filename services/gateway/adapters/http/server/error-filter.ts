import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { notFound, notImplemented, toErrorReply, unavailable } from '#libs/errors/errors.js';
import { DryRunAnswer } from '../../../application/engine-client.js';
import { withoutVersion } from '../../../domain/api-version.js';
import { isEngineRoute, missingRoute } from '../../../domain/engine-routes.js';
import { ERROR_STATUS } from '../../../domain/error-status.js';
import { swarmRefusal } from '../../../domain/swarm-routes.js';
import { routed } from './http-adapter.js';
import { reportUnforeseen } from './unforeseen-errors.js';

/** A dry run's answer is {"events": [...]}. Whatever else is thrown becomes the Engine API's error: a status and {"message"}. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    if (thrown instanceof DryRunAnswer) {
      void reply.status(200).header('Content-Type', 'application/json').send({ events: thrown.events });
      return;
    }
    reportUnforeseen(thrown, `${request.method} ${request.routeOptions.url ?? ''}`);
    const { status, message } = answerTo(thrown, request);
    void reply.status(status).header('Content-Type', 'application/json').send({ message });
  }
}

function answerTo(thrown: unknown, request: FastifyRequest): { readonly status: number; readonly message: string } {
  if (thrown instanceof HttpException && thrown.getStatus() !== 404) return { status: thrown.getStatus(), message: thrown.message };
  const error = toErrorReply(thrown instanceof HttpException ? noRoute(request) : thrown);
  return { status: ERROR_STATUS[error.kind], message: error.message };
}

/** Nest's 404 is a route that no controller has: controllers throw BerthErrors. */
function noRoute(request: FastifyRequest): Error {
  const path = routed(request.method, request.originalUrl).replace(/\?.*/, '');
  if (!isEngineRoute(request.method, path)) return notFound('page not found');
  const refusal = swarmRefusal(request.method, path);
  if (refusal !== undefined) return unavailable(refusal);
  return notImplemented(missingRoute(request.method, withoutVersion(request.originalUrl).replace(/\?.*/, '')));
}

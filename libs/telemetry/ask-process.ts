import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { errorMessage, unavailable } from '#libs/errors/errors.js';
import { telemetrySocket } from './telemetry-socket.js';
import type { TelemetryAnswer } from './telemetry-server.js';

/** What another process of this engine shows of itself at `path`. Rejects as unavailable when it does not answer within `timeoutMs`. */
export function askProcess(runRoot: string, process: string, path: string, accept = '', timeoutMs = 10_000): Promise<TelemetryAnswer & { readonly body: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: telemetrySocket({ runRoot }, process), path, headers: { accept }, timeout: timeoutMs }, (answer) => {
      const contentType = answer.headers['content-type'] ?? 'text/plain';
      buffer(answer).then((body) => resolve({ status: answer.statusCode ?? 500, contentType, body }), reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    asked.on('error', (error) => reject(unavailable(`the process ${process} at ${path}: ${errorMessage(error)}`, error)));
    asked.end();
  });
}

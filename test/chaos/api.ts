import { request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request to an Engine API socket. Rejects when the connection breaks: then nobody knows what was done. */
export function ask(socketPath: string, method: string, path: string, body?: object | Buffer, timeoutMs = 60_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const headers = bytes === undefined ? {} : { 'content-type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json', 'content-length': bytes.length };
    const asked = request({ socketPath, method, path, headers, agent: false, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('close', () => (response.complete ? resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }) : reject(new Error(`${method} ${path}: cut off`))));
    });
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs / 1000} s`)));
    asked.on('error', reject);
    asked.end(bytes);
  });
}

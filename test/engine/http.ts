import { request } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** One request to the Docker Engine API's socket; `body` goes as JSON. */
export function http(socketPath: string, method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } }, (response) => {
      let text = '';
      response.on('data', (bytes) => (text += String(bytes))).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

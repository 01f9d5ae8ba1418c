import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ENGINE_HEADERS } from '../server/engine-headers.js';

/** An answer's head, for connections that no HTTP server writes to any more. `reason`: absent, the status' own. */
export function rawHead(status: number, headers: Readonly<Record<string, string>>, reason = STATUS_CODES[status] ?? ''): string {
  const lines = Object.entries({ ...headers, ...ENGINE_HEADERS }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`;
}

/** Ends a connection with an error as the API has it. */
export function endWithError(client: Duplex, status: number, message: string): void {
  endWithJson(client, status, { message });
}

export function endWithJson(client: Duplex, status: number, content: object): void {
  const body = `${JSON.stringify(content)}\n`;
  client.end(rawHead(status, { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' }) + body);
}

import { readFile } from 'node:fs/promises';
import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { errorMessage, unavailable } from '#libs/errors/errors.js';
import type { PluginAddress } from './discover-plugin.js';

const MIME_TYPE = 'application/vnd.docker.plugins.v1.2+json';
const LARGEST_ANSWER_BYTES = 1024 * 1024;
/** Until a call rejects; dockerd's plugins have as long. */
const TIMEOUT_MS = 30_000;

/** Calls a method of a plugin (docs.docker.com, "Docker Plugin API"): JSON there and back. Rejects as unavailable, in the words of dockerd where the plugin tells what is wrong. */
export async function callPlugin(address: PluginAddress, method: string, message: object): Promise<Readonly<Record<string, unknown>>> {
  const body = JSON.stringify(message);
  const { status, text } = await exchange(address, method, body).catch((error: unknown) => {
    throw unavailable(`${method}: ${errorMessage(error)}`, error);
  });
  const answer = parsed(text);
  if (status !== 200) throw unavailable(`${method}: ${typeof answer?.Err === 'string' && answer.Err !== '' ? answer.Err : text}`);
  if (answer === undefined) throw unavailable(`${method}: the answer is not JSON`);
  return answer;
}

async function exchange(address: PluginAddress, method: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  const options = { method: 'POST', headers: { Accept: MIME_TYPE, 'Content-Length': Buffer.byteLength(body) }, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const call = await begin(address, method, options);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => call.on('response', resolve).on('error', reject).end(body));
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    const bytes = chunk as Buffer; // no encoding is set
    size += bytes.length;
    if (size > LARGEST_ANSWER_BYTES) throw new Error('the answer is larger than 1 MiB');
    chunks.push(bytes);
  }
  return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

async function begin(address: PluginAddress, method: string, options: object): Promise<ClientRequest> {
  if ('socketPath' in address) return plainRequest({ ...options, socketPath: address.socketPath, path: `/${method}` });
  const url = new URL(`/${method}`, address.url);
  if (url.protocol === 'http:') return plainRequest(url, options);
  const { insecure = false, ca, cert, key } = address.tls ?? {};
  const files = await Promise.all(Object.entries({ ca, cert, key }).map(async ([name, path]) => [name, path === undefined ? undefined : await readFile(path)] as const));
  return tlsRequest(url, { ...options, ...Object.fromEntries(files), rejectUnauthorized: !insecure });
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

import { request } from 'node:http';
import { SetupError } from './progress.mjs';

/** One request to the Docker Engine API on unix socket `socketPath`; resolves to status and body, whatever the status. */
export function ask(socketPath, method, path, body) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const headers = bytes ? { 'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json', 'Content-Length': bytes.length } : {};
    const outgoing = request({ socketPath, method, path, headers, timeout: 60_000, agent: false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks) }));
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer to ${method} ${path} within a minute`)));
    outgoing.once('error', reject);
    outgoing.end(bytes);
  });
}

/** The same, for what must work: the body, or SetupError with the engine's message. `fine`: a status that is no failure here. */
export async function demand(socketPath, method, path, body, fine = 200) {
  const answer = await ask(socketPath, method, path, body);
  if (answer.status < 400 || answer.status === fine) return answer.body;
  throw new SetupError(`${method} ${path} was answered with ${answer.status}: ${answer.body.toString('utf8').trim()}`);
}

/** The text in a multiplexed stream: frames of stream number, three zeros, length (u32 BE) and bytes. */
export function textOfFrames(bytes) {
  const parts = [];
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8 + bytes.readUInt32BE(offset + 4)) {
    parts.push(bytes.subarray(offset + 8, offset + 8 + bytes.readUInt32BE(offset + 4)));
  }
  return Buffer.concat(parts).toString('utf8');
}

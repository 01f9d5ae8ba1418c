import type { Socket } from 'node:net';
import type { StreamEndpoint } from '#contracts/request.js';
import { unavailable } from '#libs/errors/errors.js';
import { connectUnix } from '#libs/linux/connect-unix.js';
import { firstFrame } from './first-frame.js';
import { ACCEPTED, ticketFrame } from './stream-frame.js';

const ANSWER_TIMEOUT_MS = 5_000;

/** Opens what a StreamEndpoint stands for. The socket is the caller's to end; each side may half-close. Rejects as unavailable when the ticket was used or is unknown. */
export async function openStream(endpoint: StreamEndpoint): Promise<Socket> {
  const socket = connectUnix(endpoint.path, { allowHalfOpen: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    socket.removeAllListeners('error');
    socket.write(ticketFrame(endpoint.ticket));
    const answer = await firstFrame(socket, ANSWER_TIMEOUT_MS);
    if (answer.type !== ACCEPTED) throw new Error('the ticket was refused');
    return socket;
  } catch (error) {
    socket.destroy();
    throw unavailable(`the stream at ${endpoint.path} cannot be opened: ${(error as Error).message}`, error);
  }
}

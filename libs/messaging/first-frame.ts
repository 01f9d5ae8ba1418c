import type { Socket } from 'node:net';
import { type Frame, takeFrame } from './stream-frame.js';

/** Reads one frame and leaves the rest of the stream, untouched, in the socket. Rejects when the peer ends, dawdles or sends rubbish. */
export function firstFrame(socket: Socket, timeoutMs: number): Promise<Frame> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => finish(new Error('no answer in time')), timeoutMs);
    const onReadable = (): void => {
      for (let chunk: Buffer | null; (chunk = socket.read() as Buffer | null); ) {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        try {
          const frame = takeFrame(received);
          if (!frame) continue;
          finish(undefined, frame);
        } catch (error) {
          finish(error as Error);
        }
        return;
      }
    };
    const onEnd = (): void => finish(new Error('closed before it began'));
    const onError = (error: Error): void => finish(error);
    const finish = (error?: Error, frame?: Frame): void => {
      clearTimeout(timer);
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError);
      if (!frame) return reject(error ?? new Error('no frame'));
      if (frame.rest.length > 0) socket.unshift(frame.rest);
      resolve(frame);
    };
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError);
  });
}

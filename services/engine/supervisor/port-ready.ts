import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** nats-server writes no ready file of its own: this does, each time it answers on `port` and the file is missing. Ends by `signal`. */
export async function tellWhenPortAnswers(port: number, readyFile: string, exists: (path: string) => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (!exists(readyFile) && (await answersWithInfo(port))) writeFileSync(readyFile, '');
    await sleep(exists(readyFile) ? 500 : 25, undefined, { signal }).catch(() => undefined);
  }
}

/** Whether a NATS server greets there: it speaks first, with INFO. */
function answersWithInfo(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('data', (bytes) => end(bytes.toString('latin1').startsWith('INFO ')));
  });
}

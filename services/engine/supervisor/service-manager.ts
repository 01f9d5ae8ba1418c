import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_PASSED = 3; // SD_LISTEN_FDS_START
const POLL_MS = 25;

/** The descriptor of the API's socket where a service manager holds it (sd_listen_fds(3)), else undefined. Throws where it passes more than one. */
export function passedSocket(environment: NodeJS.ProcessEnv = process.env, pid = process.pid): number | undefined {
  if (environment['LISTEN_PID'] !== String(pid)) return undefined;
  const count = Number(environment['LISTEN_FDS']);
  if (count !== 1) throw new Error(`${count} sockets were passed (LISTEN_FDS): one is wanted, the API's`);
  return FIRST_PASSED;
}

/** Tells a service manager that waits for it (sd_notify(3)) that all is up, once `isReady`. Ends by `signal`. Rejects where systemd-notify(1) fails. */
export async function tellWhenReady(isReady: () => boolean, signal: AbortSignal): Promise<void> {
  if (!process.env['NOTIFY_SOCKET']) return;
  while (!isReady()) {
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
  }
  await new Promise<void>((resolve, reject) => execFile('systemd-notify', ['--ready'], (error) => (error ? reject(error) : resolve())));
}

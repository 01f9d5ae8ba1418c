import { errorMessage, internal } from '#libs/errors/errors.js';

const oldestServer = '2.10.23';

/** Throws `internal` for a server that can lose the log in a crash. */
export function requireServerVersion(version: string): void {
  if (isOlder(version, oldestServer)) throw internal(`nats-server ${version} can lose the log in a crash: ${oldestServer} or newer is needed`);
}

function isOlder(version: string, than: string): boolean {
  const parts = (text: string): number[] => text.split('-')[0]!.split('.').map(Number);
  const [found, wanted] = [parts(version), parts(than)];
  for (const [index, want] of wanted.entries()) {
    const have = found[index] ?? 0;
    if (have !== want) return have < want;
  }
  return false;
}

/**
 * What is to be said of when a server that Berth did not configure writes to its disk; undefined when it does so before each acknowledgement. Only its
 * monitoring address tells (`http_port` in its configuration): `monitorUrl`, such as "http://127.0.0.1:8222".
 */
export async function syncWarning(monitorUrl: string | undefined): Promise<string | undefined> {
  const remedy = 'With any other setting than "jetstream { sync_interval: always }" a power cut loses changes that were acknowledged.';
  if (monitorUrl === undefined) return `whether the NATS server syncs each commit to its disk cannot be seen: BERTH_NATS_MONITOR names no monitoring address. ${remedy}`;
  try {
    const answer = await fetch(new URL('/varz', monitorUrl), { signal: AbortSignal.timeout(5_000) });
    const { jetstream } = (await answer.json()) as { readonly jetstream?: { readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number } } };
    const { sync_always: always = false, sync_interval: nanoseconds = 0 } = jetstream?.config ?? {};
    return always ? undefined : `the NATS server syncs to its disk only every ${nanoseconds / 1e9} s. ${remedy}`;
  } catch (error) {
    return `whether the NATS server syncs each commit to its disk cannot be seen: ${monitorUrl} does not answer (${errorMessage(error)}). ${remedy}`;
  }
}

import { invalid, unavailable } from '#libs/errors/errors.js';

const TIMEOUT_MS = 60_000;

/** A small body whole. Rejects as invalid for more than the limit, as unavailable where it does not come to an end; the rest is not read. */
export async function boundedBytes({ body }: Pick<Response, 'body'>, limitBytes: number, what: string, timeoutMs = TIMEOUT_MS): Promise<Buffer> {
  const reader = body?.getReader();
  if (!reader) return Buffer.alloc(0);
  let isLate = false;
  const cancel = (): void => void reader.cancel().catch(() => undefined); // it broke off, which a read tells
  const timer = setTimeout(() => {
    isLate = true;
    cancel();
  }, timeoutMs);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw unavailable(`the registry's ${what} did not come in time`);
      if (done) return Buffer.concat(parts);
      size += value.length;
      if (size > limitBytes) throw invalid(`the registry's ${what} has more than ${limitBytes} bytes`);
      parts.push(value);
    }
  } finally {
    clearTimeout(timer);
    cancel();
  }
}

import { diag, DiagLogLevel } from '@opentelemetry/api';
import type { Logger } from './logger.js';

/** Each batch of spans to a collector that is away fails, some seconds after the last. */
const AGAIN_MS = 60_000;

/** What OpenTelemetry's SDK complains of, such as a collector that is away or spans that it dropped, as records: one a minute of those that begin with the same word, with how many before were not told. */
export function tellTroubles(log: Pick<Logger, 'warn'>): void {
  const known = new Map<string, { at: number; untold: number }>();
  const tell = (trouble: string): void => {
    const error = wordsOf(trouble);
    const [kind = ''] = error.split(' ', 1);
    const last = known.get(kind);
    if (last && performance.now() - last.at < AGAIN_MS) return void last.untold++;
    known.set(kind, { at: performance.now(), untold: 0 });
    log.warn('OpenTelemetry complains', { error, untold: last?.untold ?? 0 });
  };
  const quiet = (): void => undefined;
  diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** An error comes as JSON with its stack, which is the SDK's own. */
function wordsOf(trouble: string): string {
  try {
    const { message, code } = JSON.parse(trouble) as { readonly message?: string; readonly code?: string };
    return message ?? code ?? trouble;
  } catch {
    return trouble;
  }
}

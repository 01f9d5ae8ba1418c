import { invalid } from '#libs/errors/errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What Compose, Swarm and people who follow label-schema.org group their dashboards by. */
const DEFAULT_LABELS = ['com.docker.compose.project', 'com.docker.compose.service', 'com.docker.swarm.service.name', 'org.label-schema.group'];
const DEFAULT_LAST_SEEN_SECONDS = 120;
const DEFAULT_LOOK_SECONDS = 60;
/** Node's timers hold as many milliseconds as 31 bits do. */
const MOST_SECONDS = 2_000_000;

/**
 * BERTH_METRICS_LABELS: names, separated by commas. BERTH_METRICS_LAST_SEEN: seconds; 0 lets the series go with the container. BERTH_METRICS_LOOK: seconds between two
 * looks at what is dear to find out (processes one by one, whether the host is as wished); 0: at each scrape. Throws `invalid`.
 */
export function metricsSettings(env: Environment): { readonly shownLabels: readonly string[]; readonly lastSeenSeconds: number; readonly lookSeconds: number } {
  const labels = env['BERTH_METRICS_LABELS']?.split(',').map((name) => name.trim()).filter((name) => name !== '');
  return { shownLabels: labels ?? DEFAULT_LABELS, lastSeenSeconds: seconds(env, 'BERTH_METRICS_LAST_SEEN', DEFAULT_LAST_SEEN_SECONDS), lookSeconds: seconds(env, 'BERTH_METRICS_LOOK', DEFAULT_LOOK_SECONDS) };
}

function seconds(env: Environment, name: string, otherwise: number): number {
  const text = env[name] || String(otherwise);
  const value = Number(text);
  if (!(value >= 0 && value <= MOST_SECONDS)) throw invalid(`${name}=${text}: not a number of seconds`);
  return value;
}

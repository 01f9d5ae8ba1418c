import { invalid } from '#libs/errors/errors.js';

/** What Compose, Swarm and people who follow label-schema.org group their dashboards by. */
const DEFAULT_LABELS = ['com.docker.compose.project', 'com.docker.compose.service', 'com.docker.swarm.service.name', 'org.label-schema.group'];
const DEFAULT_LAST_SEEN_SECONDS = 120;

/** BERTH_METRICS_LABELS: names, separated by commas. BERTH_METRICS_LAST_SEEN: seconds; 0 lets the series go with the container. Throws `invalid`. */
export function metricsSettings(env: NodeJS.ProcessEnv): { readonly shownLabels: readonly string[]; readonly lastSeenSeconds: number } {
  const labels = env['BERTH_METRICS_LABELS']?.split(',').map((name) => name.trim()).filter((name) => name !== '');
  const text = env['BERTH_METRICS_LAST_SEEN'] || String(DEFAULT_LAST_SEEN_SECONDS);
  const lastSeenSeconds = Number(text);
  if (!(lastSeenSeconds >= 0)) throw invalid(`BERTH_METRICS_LAST_SEEN=${text}: not a number of seconds`);
  return { shownLabels: labels ?? DEFAULT_LABELS, lastSeenSeconds };
}

import { invalid } from '#libs/errors/errors.js';
import { type Environment, setting, type SettingName } from '#libs/settings/setting-table.js';

/** Node's timers hold as many milliseconds as 31 bits do. */
const MOST_SECONDS = 2_000_000;

/**
 * BERTH_METRICS_LABELS: names, separated by commas. BERTH_METRICS_LAST_SEEN: seconds; 0 lets the series go with the container. BERTH_METRICS_LOOK: seconds between two
 * looks at what is dear to find out (processes one by one, whether the host is as wished); 0: at each scrape. Throws `invalid`.
 */
export function metricsSettings(env: Environment): { readonly shownLabels: readonly string[]; readonly lastSeenSeconds: number; readonly lookSeconds: number } {
  const shownLabels = setting(env, 'BERTH_METRICS_LABELS').split(',').map((name) => name.trim()).filter((name) => name !== '');
  return { shownLabels, lastSeenSeconds: seconds(env, 'BERTH_METRICS_LAST_SEEN'), lookSeconds: seconds(env, 'BERTH_METRICS_LOOK') };
}

function seconds(env: Environment, name: SettingName): number {
  const text = setting(env, name);
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > MOST_SECONDS) throw invalid(`${name}=${text}: not a number of seconds`);
  return value;
}

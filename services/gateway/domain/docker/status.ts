import type { ListedContainer } from '#contracts/containers/container-state.js';

/** A span of time as `docker ps` prints it, rounded the way Go's `units.HumanDuration` does (docker/go-units, duration.go). */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(ms / 3_600_000) / 24 / 365)} years`;
}

/** The STATUS column: "Up 3 seconds", "Exited (0) 2 minutes ago". `now` in ms since 1970. */
export function statusText(view: Pick<ListedContainer, 'health' | 'status' | 'startedAt' | 'finishedAt' | 'exitCode'>, now: number): string {
  const since = (time: string): string => humanDuration(now - (Date.parse(time) || now));
  switch (view.status) {
    case 'running':
      return `Up ${since(view.startedAt)}${healthText(view.health)}`;
    case 'paused':
      return `Up ${since(view.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${view.exitCode}) ${since(view.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    case 'exited':
      // A container whose start failed never ran: dockerd calls it created.
      return view.finishedAt === '' ? 'Created' : `Exited (${view.exitCode}) ${since(view.finishedAt)} ago`;
  }
}

const healthText = (health: ListedContainer['health']): string => (health === undefined ? '' : ` (${health.status === 'starting' ? 'health: starting' : health.status})`);

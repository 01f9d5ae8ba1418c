import type { Role } from './policy.js';

/** What a route asks of who calls it. */
export interface RouteRule {
  /** `nobody`: clients ask this before they know anything, and it tells nothing. */
  readonly needs: Role | 'nobody';
  /** What `:id` or `:name` in the path names; an operator who is held to labels may touch it only where it has them. */
  readonly touches?: 'container' | 'exec' | 'volume';
  /** A caller that comes in acts with the container's own rights, so its powers have to be among the caller's. */
  readonly enters?: true;
  /** It changes what belongs to all: an operator who is held to labels may not. */
  readonly shared?: true;
  /** What its query or body wishes for (see request-wish.ts). */
  readonly wishes?: 'container' | 'volume' | 'exec' | 'image' | 'commit' | 'edit';
}

const table = (rules: RouteRule, ...routes: readonly string[]): (readonly [string, RouteRule])[] => routes.map((route) => [route, rules]);

/** Each route as controllers name it. A route that is not here is an admin's alone; a test tells of it. */
const RULES: ReadonlyMap<string, RouteRule> = new Map([
  ...table({ needs: 'nobody' }, 'GET /_ping', 'HEAD /_ping', 'GET /version'),
  ...table(
    { needs: 'reader' },
    'GET /info', 'GET /system/df', 'GET /events', 'POST /auth',
    'GET /containers/json', 'GET /containers/:id/json', 'GET /containers/:id/top', 'GET /containers/:id/logs', 'GET /containers/:id/changes', 'GET /containers/:id/stats', 'POST /containers/:id/wait',
    'GET /exec/:id/json',
    'GET /images/json', 'GET /images/:name/json', 'GET /images/:name/history', 'GET /images/search', 'GET /distribution/:name/json',
    'GET /volumes', 'GET /volumes/:name', 'GET /networks', 'GET /networks/:id', 'GET /plugins', 'GET /plugins/:name/json',
    'GET /berth/containers', 'GET /berth/containers/:name', 'GET /berth/containers/:name/run', 'GET /berth/why/:name', 'GET /berth/history/:name', 'GET /berth/status', 'GET /berth/log/verify', 'GET /berth/events', 'GET /berth/removed',
  ),
  ...table({ needs: 'operator', wishes: 'container' }, 'POST /containers/create'),
  ...table(
    { needs: 'operator', touches: 'container' },
    'POST /containers/:id/start', 'POST /containers/:id/stop', 'POST /containers/:id/restart', 'POST /containers/:id/kill', 'POST /containers/:id/pause', 'POST /containers/:id/unpause',
    'POST /containers/:id/rename', 'POST /containers/:id/update', 'POST /containers/:id/resize', 'DELETE /containers/:id',
    'POST /berth/containers/:name/protect', 'POST /berth/containers/:name/unprotect',
  ),
  ...table(
    { needs: 'operator', touches: 'container', enters: true },
    'POST /containers/:id/attach', 'GET /containers/:id/attach/ws', 'HEAD /containers/:id/archive', 'GET /containers/:id/archive', 'PUT /containers/:id/archive', 'GET /containers/:id/export',
  ),
  ...table({ needs: 'operator', touches: 'container', enters: true, wishes: 'exec' }, 'POST /containers/:id/exec'),
  // Another command in it acts with its rights.
  ...table({ needs: 'operator', touches: 'container', enters: true, wishes: 'edit' }, 'POST /berth/containers/:name/edit'),
  ...table({ needs: 'operator', touches: 'exec', enters: true }, 'POST /exec/:id/start', 'POST /exec/:id/resize'),
  ...table({ needs: 'operator', wishes: 'image' }, 'POST /images/create'),
  ...table({ needs: 'operator' }, 'GET /images/get', 'GET /images/:name/get'),
  ...table({ needs: 'operator', shared: true }, 'POST /images/load', 'POST /images/:name/tag', 'POST /images/:name/push', 'DELETE /images/:name', 'POST /images/prune', 'POST /containers/prune', 'POST /volumes/prune', 'POST /networks/prune', 'POST /networks/create', 'DELETE /networks/:id', 'POST /build/prune'),
  // What was removed has no labels to go by any more.
  ...table({ needs: 'operator', shared: true }, 'POST /berth/removed/:name/restore', 'DELETE /berth/removed/:name'),
  ...table({ needs: 'operator', shared: true, wishes: 'commit' }, 'POST /commit'),
  ...table({ needs: 'operator', wishes: 'volume' }, 'POST /volumes/create'),
  ...table({ needs: 'operator', touches: 'volume' }, 'DELETE /volumes/:name'),
  // What an earlier version may do to the host, nobody looks up.
  ...table({ needs: 'admin' }, 'POST /berth/containers/:name/revert'),
  ...table({ needs: 'admin' }, 'DELETE /plugins/:name', 'POST /plugins/:name/enable', 'POST /plugins/:name/disable'),
]);

const UNKNOWN: RouteRule = { needs: 'admin' };

export const RULED_ROUTES: readonly string[] = [...RULES.keys()];

/** `route` as in "POST /containers/:id/start". */
export const ruleOf = (route: string): RouteRule => RULES.get(route) ?? UNKNOWN;

import { isEngineRoute } from '../engine-routes.js';

/**
 * A link is one more name of what it leads to, "web/db", and a router takes its slash for the end of a parameter: "/containers/web/db/json" becomes "/containers/web%2Fdb/json".
 * What is a route as it stands stays so. `path` has neither version nor query.
 */
export function encodeLinkName(method: string, path: string): string {
  const found = /^\/containers\/+([^/]+)\/([^/]+)(\/.*)?$/.exec(path);
  const rest = found?.[3] ?? '';
  if (found === null || (rest === '' && method !== 'DELETE') || isEngineRoute(method, path)) return path;
  const joined = `/containers/${found[1]}%2F${found[2]}${rest}`;
  return isEngineRoute(method, joined) ? joined : path;
}

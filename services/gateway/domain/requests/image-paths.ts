/** What may follow an image's name in a path, by method. DELETE has the name alone. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { GET: ['json', 'history', 'get'], HEAD: ['json'], POST: ['push', 'tag'], DELETE: [] };

/**
 * Image names hold slashes, which a router takes for the end of a parameter: "/images/a/b:c/json" becomes "/images/a%2Fb:c/json".
 * `path` has neither version nor query.
 */
export function encodeImageName(method: string, path: string): string {
  const found = /^\/(images|distribution)\/(.+)$/.exec(path);
  if (found === null) return path;
  const [, folder, rest] = found as unknown as [string, string, string];
  if (method === 'DELETE') return `/${folder}/${rest.replaceAll('/', '%2F')}`;
  const cut = rest.lastIndexOf('/');
  if (cut < 0 || !(SUFFIXES[method] ?? []).includes(rest.slice(cut + 1))) return path;
  return `/${folder}/${rest.slice(0, cut).replaceAll('/', '%2F')}${rest.slice(cut)}`;
}

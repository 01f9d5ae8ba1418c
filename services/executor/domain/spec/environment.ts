const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Docker's order: PATH, HOSTNAME and, with a terminal, TERM, then the image's and the user's. A variable given again takes the place of the earlier one; a name
 * without "=" takes it away. `hostname`: "" gives none.
 */
export function environment(given: readonly string[], of: { readonly hostname: string; readonly terminal: boolean }): readonly string[] {
  const variables = new Map<string, string>();
  const defaults = [DEFAULT_PATH, ...(of.hostname === '' ? [] : [`HOSTNAME=${of.hostname}`]), ...(of.terminal ? ['TERM=xterm'] : [])];
  for (const variable of [...defaults, ...given]) {
    const [name = ''] = variable.split('=', 1);
    if (variable.includes('=')) variables.set(name, variable);
    else variables.delete(name);
  }
  return [...variables.values()];
}

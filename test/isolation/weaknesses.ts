import type { Weakness } from '../fixtures/weakened-shim.js';

/** Paths of a container's tree are walked as the host's: what several attacks need. */
export const IN_ROOT: Weakness = { file: 'in_root.c', defence: '.resolve = resolve | RESOLVE_NO_MAGICLINKS };', without: '.resolve = resolve & 0 };\n\tpath += strspn(path, "/");\n\tif (!*path)\n\t\tpath = ".";' };

import { readFileSync } from 'node:fs';

/** The oldest glibc that has what programs and libraries at `paths` ask of it, "2.33": by the versions of its symbols that they name (as dpkg-shlibdeps does). */
export function libcVersion(paths) {
  const minors = paths.flatMap((path) => Array.from(readFileSync(path).toString('latin1').matchAll(/GLIBC_2\.(\d+)/g), ([, minor]) => Number(minor)));
  return `2.${minors.reduce((most, minor) => Math.max(most, minor), 0)}`;
}

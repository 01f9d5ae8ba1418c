import { arch } from 'node:process';
import { invalid } from '#libs/errors/errors.js';
import { text, type JsonObject } from './bounded-json.js';

/** image-spec, image-index.md: the platform of a manifest, in Go's words. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', ia32: '386', i386: '386', ppc64: 'ppc64le', armhf: 'arm' };

/** Architectures that may stand alone for linux on them. */
const KNOWN = new Set([...Object.keys(ARCHITECTURES), 'amd64', 'arm', 'arm64', '386', 'ppc64le', 's390x', 'riscv64', 'mips64le', 'loong64']);

/** That may stand alone for this machine's architecture. */
const OSES = new Set('aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris windows'.split(' '));

/** With its version, which says nothing of linux. */
const OS = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$/;
const COMPONENT = /^[A-Za-z0-9_.-]+$/;

export const hostPlatform: Platform = normal({ os: 'linux', architecture: arch, variant: '' });

export function readPlatform(json: JsonObject): Platform {
  return normal({ os: text(json['os']), architecture: text(json['architecture']), variant: text(json['variant']) });
}

/** "linux/arm64/v8", "linux/amd64", "arm64". Throws invalid in containerd's words, which are dockerd's. */
export function parsePlatform(value: string): Platform {
  if (value.includes('*')) throw invalid(`"${value}": wildcards not yet supported: invalid argument`);
  const [os = '', ...others] = value.split('/');
  if (!OS.test(os)) throw invalid(`"${os}" is an invalid OS component of "${value}": OSAndVersion specifier component must match "${OS.source.replaceAll('\\', '\\\\')}": invalid argument`);
  for (const part of others) if (!COMPONENT.test(part)) throw invalid(`"${part}" is an invalid component of "${value}": platform specifier component must match "${COMPONENT.source}": invalid argument`);
  if (others.length > 2) throw invalid(`"${value}": cannot parse platform specifier: invalid argument`);
  const [first = '', second, third] = [os.replace(/\(.*/, ''), ...others].map((part) => part.toLowerCase());
  if (second === undefined) {
    if (OSES.has(first)) return { ...hostPlatform, os: first };
    if (!KNOWN.has(first)) throw invalid(`"${value}": unknown operating system or architecture: invalid argument`);
    return normal({ os: 'linux', architecture: first, variant: '' });
  }
  return normal({ os: first, architecture: second, variant: third ?? '' });
}

/** As Go's clients write it: the one variant that there is of arm64 goes without saying. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, architecture === 'arm64' && variant === 'v8' ? '' : variant].filter((part) => part !== '').join('/');
}

/** What a machine of this platform runs, the best first, as containerd has it (platforms.Only): older variants, and what came before it. */
function runsOn({ os, architecture, variant }: Platform): readonly Platform[] {
  const variants = (most: number, least: number): Platform[] => Array.from({ length: Math.max(0, most - least + 1) }, (_, below) => normal({ os, architecture, variant: `v${most - below}` }));
  // Of any other, nothing is older: somebody may have written a number as long as a list must not be.
  const version = /^v\d{1,2}$/.test(variant) ? Number(variant.slice(1)) : 0;
  switch (architecture) {
    case 'amd64':
      return [{ os, architecture, variant }, ...variants(version - 1, 1), { os, architecture: '386', variant: '' }];
    case 'arm':
      return [{ os, architecture, variant }, ...variants(version - 1, 5)];
    case 'arm64':
      return [{ os, architecture, variant }, ...runsOn({ os, architecture: 'arm', variant })];
    default:
      return [{ os, architecture, variant }];
  }
}

/** How well what is `offered` fits: 0 not at all, else the higher the better. */
export function fitness(wanted: Platform, offered: Platform): number {
  const [runs, given] = [runsOn(wanted), normal(offered)];
  const place = runs.findIndex(({ os, architecture, variant }) => os === given.os && architecture === given.architecture && variant === given.variant);
  return place < 0 ? 0 : runs.length - place;
}

/** The one that fits best; the first of equals. Undefined: none does. */
export function best<T extends { readonly platform?: Platform }>(wanted: Platform, offered: readonly T[]): T | undefined {
  let chosen: T | undefined;
  let highest = 0;
  for (const candidate of offered) {
    const score = candidate.platform === undefined ? 0 : fitness(wanted, candidate.platform);
    if (score > highest) [chosen, highest] = [candidate, score];
  }
  return chosen;
}

/** arm64 is v8 and arm is v7 unless told otherwise; amd64 v1 is the plain one. */
function normal({ os, architecture, variant }: Platform): Platform {
  const name = ARCHITECTURES[architecture] ?? architecture;
  const usual = name === 'arm64' ? 'v8' : name === 'arm' ? 'v7' : '';
  const plain = name === 'amd64' && variant === 'v1' ? '' : variant === '8' || variant === '7' || variant === '6' ? `v${variant}` : variant;
  return { os, architecture: name, variant: plain || usual };
}

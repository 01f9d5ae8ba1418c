import { posix } from 'node:path';
import { invalid } from '#libs/errors/errors.js';

interface ChangedConfig {
  User?: string;
  ExposedPorts?: Record<string, object>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Volumes?: Record<string, object>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  OnBuild?: string[];
  Healthcheck?: object;
}

/** The Dockerfile instructions that `docker import --change` and `docker commit --change` take, as an image's run configuration. Throws invalid for others. */
export function applyChanges(changes: readonly string[], base: object = {}): object {
  const config: ChangedConfig = structuredClone(base);
  for (const change of changes) {
    const [, name, rest] = /^([A-Za-z]+)\s+(\S[\s\S]*)$/.exec(change.trim()) ?? [];
    if (name === undefined || rest === undefined) throw invalid(`"${change}" is not a valid change: it must be a Dockerfile instruction with a value`);
    apply(config, name.toUpperCase(), rest);
  }
  return config;
}

function apply(config: ChangedConfig, name: string, rest: string): void {
  switch (name) {
    case 'CMD':
      config.Cmd = command(rest);
      return;
    case 'ENTRYPOINT':
      config.Entrypoint = command(rest);
      return;
    case 'HEALTHCHECK':
      config.Healthcheck = healthcheck(rest);
      return;
    case 'ONBUILD':
      if (/^(ONBUILD|FROM|MAINTAINER)(\s|$)/i.test(rest)) throw invalid(/^ONBUILD/i.test(rest) ? "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed" : `${rest.split(/\s/)[0]!.toUpperCase()} isn't allowed as an ONBUILD trigger`);
      config.OnBuild = [...(config.OnBuild ?? []), rest];
      return;
    case 'ENV': {
      const added = pairs(rest);
      const names = new Set(added.map(([key]) => key));
      config.Env = [...(config.Env ?? []).filter((item) => !names.has(item.split('=')[0]!)), ...added.map(([key, value]) => `${key}=${value}`)];
      return;
    }
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(rest)) };
      return;
    case 'EXPOSE':
      for (const port of words(rest)) {
        if (!/^\d+(-\d+)?(\/(tcp|udp|sctp))?$/.test(port)) throw invalid(`invalid port to expose: ${port}`);
        config.ExposedPorts = { ...config.ExposedPorts, [port.includes('/') ? port : `${port}/tcp`]: {} };
      }
      return;
    case 'VOLUME':
      for (const volume of rest.startsWith('[') ? command(rest) : words(rest)) config.Volumes = { ...config.Volumes, [volume]: {} };
      return;
    case 'USER':
      config.User = rest;
      return;
    case 'WORKDIR':
      config.WorkingDir = posix.resolve('/', config.WorkingDir ?? '', rest);
      return;
    case 'STOPSIGNAL':
      config.StopSignal = rest;
      return;
    default:
      throw invalid(`${name.toLowerCase()} is not a valid change command`);
  }
}

/** `["a", "b"]`, or a line for the shell. */
function command(rest: string): string[] {
  if (rest.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(rest);
      if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list;
    } catch {
      // As in a Dockerfile: what is no JSON list is a shell's line.
    }
  }
  return ['/bin/sh', '-c', rest];
}

const FLAGS = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod', retries: 'Retries' } as const;
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `--interval=5s --retries=3 CMD …`, or `NONE`; times are nanoseconds. */
function healthcheck(rest: string): object {
  const { flags, left } = /^(?<flags>(?:--\S+\s+)*)(?<left>[\s\S]*)$/.exec(rest)?.groups as { flags: string; left: string };
  const [, kind = '', what = ''] = /^(\S+)\s*([\s\S]*)$/.exec(left) ?? [];
  if (kind.toUpperCase() === 'NONE') {
    if (what !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (kind.toUpperCase() !== 'CMD') throw invalid(`Unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  if (what === '') throw invalid('Missing command after HEALTHCHECK CMD');
  const words = command(what);
  const check: Record<string, unknown> = { Test: words[0] === '/bin/sh' && words[1] === '-c' && !what.startsWith('[') ? ['CMD-SHELL', what] : ['CMD', ...words] };
  for (const flag of flags.split(/\s+/).filter(Boolean)) {
    const [, name = '', value = ''] = /^--([a-z-]+)=(.*)$/.exec(flag) ?? [];
    if (!Object.hasOwn(FLAGS, name)) throw invalid(`Unknown flag: ${flag.replace(/^--|=.*$/g, '')}`);
    check[FLAGS[name as keyof typeof FLAGS]] = name === 'retries' ? count(value) : nanoseconds(value);
  }
  return check;
}

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid(`--retries must be at least 1 (not ${value})`);
  return Number(value);
}

/** "1m30s" */
function nanoseconds(value: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(value)) throw invalid(`invalid duration "${value}"`);
  return [...value.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
}

/** Words with their quotes taken off. */
function words(rest: string): string[] {
  return [...rest.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g)].map(([word]) => word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) => double?.replace(/\\(["\\$])/g, '$1') ?? single ?? escaped ?? ''));
}

/** `A=1 B="x y"`, or the old `A the rest`. */
function pairs(rest: string): [string, string][] {
  const first = /^[^\s=]+/.exec(rest)?.[0] ?? '';
  if (rest[first.length] !== '=') {
    const value = rest.slice(first.length).trim();
    if (first === '' || value === '') throw invalid(`"${rest}" must be name=value`);
    return [[first, value]];
  }
  return words(rest).map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) throw invalid(`"${word}" must be name=value`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

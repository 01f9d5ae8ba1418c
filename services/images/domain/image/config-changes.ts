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
  Shell?: string[];
}

/** The Dockerfile instructions that `docker import --change` and `docker commit --change` take, as an image's run configuration. Throws invalid for others. */
export function applyChanges(changes: readonly string[], base: object = {}): object {
  const config: ChangedConfig = structuredClone(base);
  for (const change of changes) {
    const [, name, rest] = /^\s*([A-Za-z]+)\s+([\s\S]*\S)\s*$/.exec(change) ?? [];
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
    case 'SHELL':
      config.Shell = command(rest);
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
      config.WorkingDir = rest;
      return;
    case 'STOPSIGNAL':
      config.StopSignal = rest;
      return;
    default:
      throw invalid(`${name} is not a valid change command`);
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

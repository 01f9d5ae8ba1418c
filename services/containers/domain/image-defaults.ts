import { posix } from 'node:path';
import type { ContainerConfig } from '#contracts/containers/container-config.js';
import type { ImageView } from '#contracts/images/images.js';
import { invalid } from '#libs/errors/errors.js';
import { mergeHealthcheck } from './health/health.js';

/** The configuration with what the client left open taken from the image, as dockerd merges them. Labels are data: they change nothing else. */
export function withImageDefaults(config: ContainerConfig, image: ImageView, containerId: string): ContainerConfig {
  const defaults = image.config;
  const { Entrypoint: own } = config;
  // An entrypoint of one's own makes the image's command meaningless, also [""], which takes the image's away; [] does that alone.
  const entrypoint = own?.length === 1 && own[0] === '' ? null : (own ?? defaults.Entrypoint);
  const command = config.Cmd?.length ? config.Cmd : own?.length ? null : defaults.Cmd;
  return {
    ...config,
    Hostname: config.Hostname || containerId.slice(0, 12),
    User: config.User || defaults.User || '',
    Env: mergeVariables(config.Env, defaults.Env),
    Entrypoint: entrypoint ? [...entrypoint] : null,
    Cmd: command?.length ? [...command] : null,
    WorkingDir: workingDirectory(config.WorkingDir || defaults.WorkingDir || ''),
    Volumes: orNull({ ...defaults.Volumes, ...config.Volumes }),
    ExposedPorts: orNull({ ...defaults.ExposedPorts, ...config.ExposedPorts }),
    Labels: { ...(defaults.Labels ?? {}), ...(config.Labels ?? {}) },
    ...(config.Healthcheck || defaults.Healthcheck ? { Healthcheck: mergeHealthcheck(config.Healthcheck, defaults.Healthcheck) } : {}),
    ...(config.StopSignal || defaults.StopSignal ? { StopSignal: config.StopSignal || defaults.StopSignal || '' } : {}),
  };
}

/** Absolute, and without what goes nowhere, as dockerd keeps it. Throws invalid for a relative one. */
export function workingDirectory(directory: string): string {
  if (directory === '') return '';
  if (!directory.startsWith('/')) throw invalid(`the working directory '${directory}' is invalid, it needs to be an absolute path`);
  return posix.resolve(directory);
}

/** Variables of one's own, then those of the others that they do not name. */
export function mergeVariables(own: readonly string[] | null | undefined, others: readonly string[] | null | undefined): string[] {
  const names = new Set((own ?? []).map(nameOf));
  return [...(own ?? []), ...(others ?? []).filter((variable) => !names.has(nameOf(variable)))];
}

export const orNull = <T extends object>(fields: T): T | null => (Object.keys(fields).length === 0 ? null : fields);

/** Names of labels that the image gives and the client did not, for what must not rest on an image's word. */
export function labelsOfImage(config: ContainerConfig, image: ImageView): { readonly labelsOfImage?: readonly string[] } {
  const names = Object.keys(image.config.Labels ?? {}).filter((name) => !Object.hasOwn(config.Labels ?? {}, name));
  return names.length > 0 ? { labelsOfImage: names } : {};
}

const nameOf = (variable: string): string => variable.split('=', 1)[0] ?? variable;

/** argv of the container: entrypoint, then command. */
export function commandLine(config: ContainerConfig): readonly [string, ...string[]] {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) throw invalid('no command specified');
  return [path, ...args];
}

import { isDeepStrictEqual } from 'node:util';
import type { ContainerConfig } from '#contracts/containers/container-config.js';
import type { ImageRunConfig } from '#contracts/images/images.js';

const WHOLE = ['User', 'WorkingDir', 'StopSignal', 'Healthcheck'] as const;

/** What a container's configuration has that its image does not say by itself. (Of the command: `commandBeyond`.) */
export function beyondImage(config: ContainerConfig, image: ImageRunConfig): ContainerConfig {
  const beyond = {
    ...config,
    Env: (config.Env ?? []).filter((variable) => !image.Env?.includes(variable)),
    Labels: entriesBeyond(config.Labels, image.Labels),
    Volumes: entriesBeyond(config.Volumes, image.Volumes),
    ExposedPorts: entriesBeyond(config.ExposedPorts, image.ExposedPorts),
  };
  for (const name of WHOLE) if (isDeepStrictEqual(config[name], image[name])) delete beyond[name];
  return beyond;
}

/** What comes behind the image's name, and the entrypoint where it has to be said: a command that is said makes an engine leave the image's alone, an entrypoint that is said both. `image`: absent, it is gone. */
export function commandBeyond({ Entrypoint, Cmd }: ContainerConfig, image: ImageRunConfig | undefined): { readonly entrypoint?: readonly string[]; readonly command: readonly string[] } {
  const [entrypoint, command] = [Entrypoint ?? [], Cmd ?? []];
  const hasItsEntrypoint = image !== undefined && isDeepStrictEqual(entrypoint, image.Entrypoint ?? []);
  if (hasItsEntrypoint && isDeepStrictEqual(command, image.Cmd ?? [])) return { command: [] };
  return hasItsEntrypoint && command.length > 0 ? { command } : { entrypoint, command };
}

function entriesBeyond<Value>(entries: Readonly<Record<string, Value>> | null | undefined, image: Readonly<Record<string, Value>> | null | undefined): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries ?? {}).filter(([key, value]) => !isDeepStrictEqual(value, image?.[key])));
}

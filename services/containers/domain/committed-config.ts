import type { ContainerConfig } from '#contracts/containers/container-config.js';
import { applyChanges } from '#libs/oci/config-changes.js';
import { mergeHealthcheck } from './health/health.js';
import { mergeVariables, orNull } from './image-defaults.js';

/**
 * The configuration of an image that is made of a container, as dockerd makes it (daemon/commit.go): what was asked for, else the container's, then the changes, then
 * what is left open from the container. Throws invalid for a change that cannot be.
 */
export function committedConfig(container: ContainerConfig, changes: readonly string[], asked?: ContainerConfig): ContainerConfig {
  const own = applyChanges(changes, asked ?? container) as ContainerConfig; // of one, by changes of its own fields
  const hasEntrypoint = (own.Entrypoint?.length ?? 0) > 0;
  const health = container.Healthcheck ? mergeHealthcheck(own.Healthcheck, container.Healthcheck) : own.Healthcheck;
  return {
    ...own,
    User: own.User || container.User || '',
    ExposedPorts: orNull({ ...container.ExposedPorts, ...own.ExposedPorts }),
    Env: mergeVariables(own.Env, container.Env),
    Labels: { ...container.Labels, ...own.Labels },
    Cmd: (own.Cmd?.length ?? 0) > 0 || hasEntrypoint ? (own.Cmd ?? null) : (container.Cmd ?? null),
    Entrypoint: own.Entrypoint ?? container.Entrypoint ?? null,
    WorkingDir: own.WorkingDir || container.WorkingDir || '',
    Volumes: orNull({ ...own.Volumes, ...container.Volumes }),
    ...(health ? { Healthcheck: health } : {}),
    ...(own.StopSignal || container.StopSignal ? { StopSignal: own.StopSignal || container.StopSignal || '' } : {}),
  };
}

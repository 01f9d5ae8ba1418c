import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { LaunchTask } from '#contracts/executor/tasks.js';
import { invalid } from '#libs/errors/errors.js';

/** For clients that know Docker's modes alone: the CLI lets no other pass. */
const LABEL = 'berth.userns';

/** The mode that was asked for, by field or label. Throws `invalid` for one that there is not. */
export function userNamespaceMode({ UsernsMode: mode = '' }: HostConfig, labels: ContainerConfig['Labels']): string {
  const label = labels && Object.hasOwn(labels, LABEL) ? (labels[LABEL] ?? '') : undefined;
  if (label !== undefined && label !== 'private') throw invalid(`invalid label ${LABEL}=${label}: use "private"`);
  if (label !== undefined && mode === 'host') throw invalid(`conflicting options: the label ${LABEL}=private and the user namespace mode host`);
  if (!['', 'host', 'private'].includes(mode)) throw invalid(`invalid user namespace mode: ${mode}`);
  return label ?? mode;
}

/**
 * Whose ids a container has: of a user namespace of its own, those of the engine, or the host's where it is absent. `isRemapped`: whether the engine has some to give.
 * Throws, in dockerd's words where it has some, what cannot be in a user namespace.
 */
export function userNamespaceOf(host: HostConfig, isRemapped: boolean): LaunchTask['userNamespace'] {
  const { UsernsMode: mode = '', NetworkMode: network = '' } = host;
  if (mode === 'host' || (mode === '' && !isRemapped)) return undefined;
  if (host.Privileged) throw invalid('privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode');
  if (network === 'host') throw invalid("cannot share the host's network namespace when user namespaces are enabled");
  if (host.PidMode === 'host') throw invalid('cannot share the host PID namespace when user namespaces are enabled');
  // dockerd fails when it starts: the host's message queues cannot be mounted.
  if (host.IpcMode === 'host') throw invalid('cannot share the host IPC namespace when user namespaces are enabled');
  if (mode !== 'private') return 'engine';
  // A namespace belongs to one user namespace, whose root alone may join it, and mount what tells of it.
  for (const [what, value = ''] of [['network', network], ['processes', host.PidMode], ['IPC', host.IpcMode]] as const)
    if (value.startsWith('container:')) throw invalid(`cannot join another container's ${what} with a private user namespace`);
  return 'private';
}

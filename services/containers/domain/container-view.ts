import type { ContainerStatus, ContainerView, ListedContainer } from '#contracts/containers/container-state.js';
import type { PresentContainer } from './container/container-state.js';

/** The state as readers see it. "starting" is an inner state: to others it is still what it was before. */
export function containerView(state: PresentContainer, execIds: readonly string[], dataRoot: string): ContainerView {
  const { spec } = state;
  const directory = `${dataRoot}/containers/${spec.id}`;
  const showsLog = (spec.hostConfig.LogConfig?.Type || 'json-file') === 'json-file'; // dockerd tells of no other driver's file
  return {
    ...shownOf(state),
    config: spec.config,
    hostConfig: spec.hostConfig,
    ...(spec.labelsOfImage === undefined ? {} : { labelsOfImage: spec.labelsOfImage }),
    ...(state.health ? { health: state.health } : {}),
    execIds,
    logPath: showsLog ? `${directory}/${spec.id}-json.log` : '',
    directory,
  };
}

/** The same as lists show it. `linkNames`: what links call it. */
export function listedContainer(state: PresentContainer, linkNames?: readonly string[]): ListedContainer {
  const { spec, health } = state;
  const { Image, ExposedPorts, Labels, NetworkDisabled } = spec.config;
  const { NetworkMode, Tmpfs, Annotations } = spec.hostConfig;
  return {
    ...shownOf(state),
    config: { ...(Image === undefined ? {} : { Image }), ...(ExposedPorts === undefined ? {} : { ExposedPorts }), ...(Labels === undefined ? {} : { Labels }), ...(NetworkDisabled ? { NetworkDisabled } : {}) },
    hostConfig: { ...(NetworkMode === undefined ? {} : { NetworkMode }), ...(Tmpfs === undefined ? {} : { Tmpfs }), ...(Annotations ? { Annotations } : {}) },
    ...(health ? { health: { status: health.status } } : {}),
    ...(linkNames === undefined ? {} : { linkNames }),
  };
}

function shownOf(state: PresentContainer): Omit<ListedContainer & ContainerView, 'config' | 'hostConfig' | 'health' | 'labelsOfImage' | 'execIds' | 'logPath' | 'directory' | 'linkNames'> {
  const { spec, run } = state;
  return {
    id: spec.id,
    name: spec.name,
    createdAt: spec.createdAt,
    imageId: spec.imageId,
    imageRef: spec.imageRef,
    path: spec.path,
    args: spec.args,
    mounts: spec.mounts,
    ...(spec.linkLocalAddresses === undefined ? {} : { linkLocalAddresses: spec.linkLocalAddresses }),
    ...(spec.askedNetworkMode === undefined ? {} : { askedNetworkMode: spec.askedNetworkMode }),
    status: statusOf(state),
    startNumber: run.start,
    pid: run.pid,
    ...outcomeOf(state),
    finishedAt: run.finishedAt,
    restartCount: state.restartCount,
    ...(run.endpoint ? { endpoint: run.endpoint } : {}),
  };
}

/** As with the status: of a start under way readers see what was before it. */
function outcomeOf({ status, run }: PresentContainer): Pick<ContainerView, 'exitCode' | 'oomKilled' | 'error' | 'startedAt'> {
  const { exitCode, oomKilled, error, startedAt } = status === 'starting' && run.before ? run.before : run;
  return { exitCode, oomKilled, error, startedAt };
}

function statusOf(state: PresentContainer): ContainerStatus {
  if (state.status !== 'starting') return state.status;
  if (state.restartCount > 0) return 'restarting';
  return state.run.start > 1 ? 'exited' : 'created';
}

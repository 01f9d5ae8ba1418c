import type { ContainerEvent } from '#contracts/containers/events.js';
import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { LoggedContainer } from '#contracts/gateway/log-replies.js';
import { shortId, shortTime, textTable } from './text-table.js';

type Of<Type extends ContainerEvent['type']> = Extract<ContainerEvent, { type: Type }>;

/** The engine's answer, with what is in it of the containers' own events. */
export interface ContainerAt extends LoggedContainer {
  readonly created: Of<'ContainerCreated'>;
  readonly exit?: Of<'ContainerExited'>;
  readonly lastExit?: Of<'ContainerExited'>;
  readonly endpoint?: EndpointSettings;
}

/** What `docker ps -a` shows, of any moment. */
export function containerTable(containers: readonly ContainerAt[]): string {
  return textTable(
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'SINCE', 'NAME'],
    containers.map((container) => {
      const { id, name, created, since } = container;
      const command = [created.path, ...created.args].join(' ');
      return [shortId(id), created.imageRef, command.length > 30 ? `${command.slice(0, 27)}...` : command, shortTime(created.at), statusText(container), shortTime(since), name];
    }),
  );
}

export function statusText({ status, exit, protectedBy }: ContainerAt): string {
  const ended = (status === 'exited' || status === 'restarting') && exit !== undefined;
  return `${status}${ended ? ` (${exit.exitCode})` : ''}${protectedBy === undefined ? '' : ', protected'}`;
}

/** One container's main facts, a line each. */
export function containerFacts(container: ContainerAt): string {
  const { id, name, created, since, start, pid, startedAt, endpoint, exit } = container;
  const rows: [string, string][] = [
    ['id', id],
    ['name', name],
    ['image', `${created.imageRef} (${created.imageId})`],
    ['command', [created.path, ...created.args].join(' ')],
    ['created', shortTime(created.at)],
    ['status', `${statusText(container)} since ${shortTime(since)}`],
    ['starts', String(start)],
  ];
  if (container.version > 1) rows.push(['version', `${container.version}${container.pending === undefined ? '' : `, of which it gets at its next start: ${container.pending.join(', ')}`}`]);
  if (container.protectedBy !== undefined) rows.push(['protected', `by ${container.protectedBy}`]);
  if (pid !== 0) rows.push(['pid', String(pid)]);
  if (startedAt !== undefined) rows.push(['started', shortTime(startedAt)]);
  if (endpoint !== undefined) rows.push(['address', `${endpoint.address} in ${endpoint.network}`]);
  if (exit !== undefined) rows.push(['exit', `code ${exit.exitCode}, ${exit.reason}, ${shortTime(exit.at)}`]);
  for (const { type, source, target, readOnly } of created.mounts) rows.push(['mount', `${type} ${source} on ${target}${readOnly ? ' (read only)' : ''}`]);
  return textTable(['FACT', 'VALUE'], rows);
}

import type { ContainerEvent } from '#contracts/containers/events.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import { Chronicle } from '../chronicle.js';
import { type Candidate, findTarget } from '../find-subject.js';

// The log of one container, "web", which the tests of this folder tell from.

export const id = 'ab12'.padEnd(64, '0');
export const at = (second: number): string => `2026-01-31T10:02:${String(second).padStart(2, '0')}.000Z`;
let position = 0;
export const commit = (subject: string, time: string, ...events: DomainEvent[]): Commit => ({
  subject, position: ++position, id: `c${position}`, time, source: 'test', events, previousHash: '', hash: '',
  cause: { correlationId: 'asked', causationId: 'asked', actor: 'uid:0 pid:7' },
});
const of = (event: ContainerEvent): Commit => commit(`berth.event.container.${event.container}`, 'at' in event ? event.at : at(0), event);

export const created: Extract<ContainerEvent, { type: 'ContainerCreated' }> = {
  type: 'ContainerCreated', container: id, name: 'web', imageId: 'sha256:1', imageRef: 'nginx', layers: [], path: 'nginx', args: ['-g', 'x y'], mounts: [], at: at(1),
  config: { Image: 'nginx', Cmd: ['-g', "it's"], Env: ['A=b c'], Hostname: 'ab1200000000', Entrypoint: ['nginx'] },
  hostConfig: { Memory: 64 * 2 ** 20, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Binds: ['/srv:/srv:ro'], NetworkMode: 'default' },
};
export const started: ContainerEvent[] = [
  { type: 'StartRequested', container: id, start: 1, reason: 'api', at: at(2) },
  { type: 'ContainerStarted', container: id, start: 1, pid: 77, at: at(3) },
];
export const exit: Extract<ContainerEvent, { type: 'ContainerExited' }> = { type: 'ContainerExited', container: id, start: 1, exitCode: 137, signal: 9, oomKilled: true, reason: 'oom', at: at(11) };
export const removed: ContainerEvent[] = [
  { type: 'RemoveRequested', container: id, force: false, volumes: false, at: at(20) },
  { type: 'ContainerRemoved', container: id, at: at(21) },
];
export const log = (...events: ContainerEvent[]): Commit[] => events.map(of);
export const chronicleOf = (commits: readonly Commit[]): { readonly chronicle: Chronicle; readonly candidates: readonly Candidate[] } => {
  const chronicle = new Chronicle();
  const gone = commits.flatMap((one) => chronicle.see(one).gone);
  return { chronicle, candidates: [...chronicle.candidates(), ...gone] };
};
export const targetIn = (commits: readonly Commit[], wanted: string): Candidate => findTarget(chronicleOf(commits).candidates, wanted);

const { type: _made, at: createdAt, ...made } = created;
const service = (event: ContainerEvent): Commit => ({ ...of(event), cause: { correlationId: 'asked', causationId: 'c', actor: 'service:containers' } });
/** It is removed, and can come back. */
export const keptRemoval: ContainerEvent[] = [removed[0]!, { type: 'ContainerRemoved', container: id, keptUntil: at(59), at: at(21) }];
/** All that is on the log until it comes back as "again". */
export const toBeRestored = (): Commit[] => log(created, ...started, exit, ...keptRemoval, { type: 'RestoreRequested', container: id, name: 'again', at: at(30) });
export const restored = (): Commit => service({ type: 'ContainerRestored', createdAt, ...made, name: 'again', start: 1, at: at(31) });

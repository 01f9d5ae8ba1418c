import { describe, expect, test } from 'vitest';
import type { ContainerEvent } from '#contracts/containers/events.js';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import { readTime } from './at-time.js';
import { Chronicle } from './chronicle.js';
import { foldContainers } from '../../testing/fold-containers.js';
import type { ContainerAt } from './container-fold.js';
import { type Candidate, findContainer, findTarget } from './find-subject.js';
import { historyOf } from './history.js';
import { runCommand } from './run-command.js';
import { engineStatus } from './engine-status.js';
import { why } from './why.js';

const id = 'ab12'.padEnd(64, '0');
const at = (second: number): string => `2026-01-31T10:02:${String(second).padStart(2, '0')}.000Z`;
let position = 0;
const commit = (subject: string, time: string, ...events: DomainEvent[]): Commit => ({
  subject, position: ++position, id: `c${position}`, time, source: 'test', events, previousHash: '', hash: '',
  cause: { correlationId: 'asked', causationId: 'asked', actor: 'uid:0 pid:7' },
});
const of = (event: ContainerEvent): Commit => commit(`berth.event.container.${event.container}`, 'at' in event ? event.at : at(0), event);

const created: Extract<ContainerEvent, { type: 'ContainerCreated' }> = {
  type: 'ContainerCreated', container: id, name: 'web', imageId: 'sha256:1', imageRef: 'nginx', layers: [], path: 'nginx', args: ['-g', 'x y'], mounts: [], at: at(1),
  config: { Image: 'nginx', Cmd: ['-g', "it's"], Env: ['A=b c'], Hostname: 'ab1200000000', Entrypoint: ['nginx'] },
  hostConfig: { Memory: 64 * 2 ** 20, PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Binds: ['/srv:/srv:ro'], NetworkMode: 'default' },
};
const started: ContainerEvent[] = [
  { type: 'StartRequested', container: id, start: 1, reason: 'api', at: at(2) },
  { type: 'ContainerStarted', container: id, start: 1, pid: 77, at: at(3) },
];
const exit: Extract<ContainerEvent, { type: 'ContainerExited' }> = { type: 'ContainerExited', container: id, start: 1, exitCode: 137, signal: 9, oomKilled: true, reason: 'oom', at: at(11) };
const removed: ContainerEvent[] = [
  { type: 'RemoveRequested', container: id, force: false, volumes: false, at: at(20) },
  { type: 'ContainerRemoved', container: id, at: at(21) },
];
const log = (...events: ContainerEvent[]): Commit[] => events.map(of);
const chronicleOf = (commits: readonly Commit[]): { readonly chronicle: Chronicle; readonly candidates: readonly Candidate[] } => {
  const chronicle = new Chronicle();
  const gone = commits.flatMap((one) => chronicle.see(one).gone);
  return { chronicle, candidates: [...chronicle.candidates(), ...gone] };
};
const targetIn = (commits: readonly Commit[], wanted: string): Candidate => findTarget(chronicleOf(commits).candidates, wanted);
const containerIn = (commits: readonly Commit[], wanted: string): ContainerAt => foldContainers(commits).get(findContainer(chronicleOf(commits).candidates, wanted).id)!;
const whyOf = (...events: ContainerEvent[]): string => why(containerIn(log(...events), 'web'));

describe('why', () => {
  test('the kernel killed it for lack of memory', () => {
    expect(whyOf(created, ...started, exit)).toBe(
      'web is exited since 2026-01-31 10:02:11 with code 137: it was killed by the kernel for lack of memory (limit 64 MiB); its restart policy is no.',
    );
  });

  test('somebody stopped it', () => {
    const stop: ContainerEvent = { type: 'StopRequested', container: id, signal: 15, timeoutSeconds: 10, at: at(9) };
    const sentence = whyOf(created, ...started, stop, { ...exit, oomKilled: false, reason: 'stop-timeout' });
    expect(sentence).toContain('uid:0 pid:7 stopped it, and it did not end within 10 s of SIGTERM');
  });

  test('a child that was lost for lack of memory is told beside what ended the run', () => {
    const stop: ContainerEvent = { type: 'StopRequested', container: id, signal: 15, timeoutSeconds: 10, at: at(9) };
    expect(whyOf(created, ...started, stop, { ...exit, exitCode: 0, signal: 0, reason: 'killed-api' })).toBe(
      'web is exited since 2026-01-31 10:02:11 with code 0: uid:0 pid:7 asked for SIGTERM; before, the kernel killed a child of it for lack of memory (limit 64 MiB); its restart policy is no.',
    );
  });

  test('a signal that was not meant to end it is to blame only where it could be', () => {
    const hangup: ContainerEvent = { type: 'KillRequested', container: id, signal: 1, at: at(4) };
    const failed = { ...exit, oomKilled: false, signal: 0, exitCode: 1, reason: 'error' } as const;
    expect(whyOf(created, ...started, hangup, { ...failed, at: at(50) })).toContain('its command ended by itself with an error');
    for (const one of [{ ...failed, at: at(5) }, { ...failed, exitCode: 129, at: at(50) }]) expect(whyOf(created, ...started, hangup, one)).toContain('uid:0 pid:7 asked for SIGHUP');
  });

  test.each([
    ['was never started', [created], 'web is created since 2026-01-31 10:02:01: it was never started.'],
    ['runs', [created, ...started], 'web is running since 2026-01-31 10:02:03 with pid 77: it was started by a client; its restart policy is no.'],
    ['is gone', [created, ...started, exit, ...removed], /^web is removed since .* uid:0 pid:7 asked for its removal; before, it exited with code 137/],
    ['could not start', [created, started[0]!, { type: 'StartFailed', container: id, start: 1, error: 'no such file', exitCode: 127, at: at(3) }], /its start failed: no such file\.$/],
  ] as const)('it %s', (_, events, sentence) => {
    expect(whyOf(...events)).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence));
  });
});

test('a time is RFC 3339 with an offset, Unix seconds, or how long ago', () => {
  expect(readTime('10m', 1_000_000)).toBe(400_000);
  expect(readTime('12.5', 0)).toBe(12_500);
  expect(readTime('1970-01-01T01:00:01+01:00', 0)).toBe(1_000);
  for (const wrong of ['', 'yesterday', '2026-01-31', '2026-01-31T10:00:00', '2026-13-31T10:00:00Z']) expect(() => readTime(wrong, 0)).toThrow(/is no time/);
});

describe('what a person means', () => {
  const other = 'ab99'.padEnd(64, '0');
  const image = commit(`berth.event.image.${'cd'.padEnd(64, '0')}`, at(0), { type: 'ImageTagged', reference: 'docker.io/library/busybox:latest' } as DomainEvent);
  const commits = [image, ...log(created, ...removed, { ...created, container: other })];

  test('a present name goes before a removed one', () => expect(targetIn(commits, 'web').id).toBe(other));
  test('a removed one is found by its id', () => expect(targetIn(commits, 'ab12')).toMatchObject({ kind: 'container', id }));
  test('an image goes by its short name and by its id', () => {
    expect(targetIn(commits, 'busybox')).toMatchObject({ kind: 'image' });
    expect(targetIn(commits, 'sha256:cd')).toMatchObject({ kind: 'image' });
  });
  describe('by a name that has moved', () => {
    const imageOf = (digit: string, type: string, reference = 'docker.io/library/site:latest'): Commit => commit(`berth.event.image.sha256:${digit.repeat(64)}`, at(0), { type, image: '', reference } as DomainEvent);
    const moved = [imageOf('a', 'ImageTagged'), imageOf('b', 'ImageTagged'), imageOf('a', 'ImageUntagged')];
    const firstId = 'a'.repeat(64);

    test('who has it', () => expect(targetIn(moved, 'site').id).toBe('b'.repeat(64)));
    test('who has it again, in what was frozen meanwhile, too', () => {
      const back = [...moved, imageOf('a', 'ImageTagged'), imageOf('b', 'ImageUntagged')];
      const frozen = JSON.parse(JSON.stringify(chronicleOf(back).chronicle.freeze())) as ReturnType<Chronicle['freeze']>;
      for (const candidates of [chronicleOf(back).candidates, [...Chronicle.from(frozen).candidates()]]) expect(findTarget(candidates, 'site').id).toBe(firstId);
    });
    test('who had it last, where nobody has it', () => {
      expect(targetIn([imageOf('a', 'ImageTagged'), imageOf('a', 'ImageUntagged')], 'site').id).toBe(firstId);
      expect(targetIn([...moved, imageOf('b', 'ImageUntagged')], 'site:latest').id).toBe('b'.repeat(64));
    });
    test('of containers, too', () => {
      const renamed = log(created, { type: 'ContainerRenamed', container: id, name: 'old', oldName: 'web', at: at(5) }, { ...created, container: other });
      expect(targetIn(renamed, 'web').id).toBe(other);
      expect(targetIn(renamed, 'old').id).toBe(id);
    });
  });
  test('nothing fits', () => expect(() => targetIn(commits, 'nope')).toThrow(/knows no container/));
  test('several fit', () => {
    const both = log(created, { ...created, container: other, name: 'web2' });
    expect(() => targetIn(both, 'ab')).toThrow(/give more of the id/);
  });
});

test("a container's history has its tasks, name and endpoints, and nobody else's", () => {
  const otherId = 'ff'.padEnd(64, '0');
  const commits = [
    commit('berth.event.name.web', at(0), { type: 'NameClaimed', name: 'web', container: id } as DomainEvent),
    ...log(created, { ...created, container: otherId, name: 'other' }),
    commit(`berth.event.task.${id}-1`, at(2), { type: 'TaskRequested', container: id, start: 1, at: at(2) } as DomainEvent),
    commit('berth.event.pool.p', at(4), { type: 'EndpointReleased', endpoint: `${id}-1`, at: at(4) } as DomainEvent),
  ];
  const entries = historyOf(commits, targetIn(commits, 'web'));
  expect(entries.map(({ event }) => event)).toEqual(['NameClaimed', 'ContainerCreated', 'TaskRequested', 'EndpointReleased']);
  expect(entries[2]).toMatchObject({ time: at(2), actor: 'uid:0 pid:7', cause: 'asked', details: { start: 1 } });
});

test('the docker run that makes it again, quoted for a shell', () => {
  expect(runCommand(created, 'site')).toBe(
    String.raw`docker run -d --name site -p 8080:80/tcp -v /srv:/srv:ro -e 'A=b c' -m 67108864 --entrypoint nginx nginx -g 'it'\''s'`,
  );
});

test('of what it shares with others the docker run tells, too', () => {
  const shared = { ...created, hostConfig: { ...created.hostConfig, PidMode: 'container:c2', IpcMode: 'shareable', CgroupParent: '/a b' } };
  expect(runCommand(shared, 'site')).toContain(`--ipc shareable --pid container:c2 --cgroup-parent '/a b'`);
});

test('what its mounts and its address were asked to be, too', () => {
  const Mounts = [
    { Type: 'bind', Source: '/s', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rprivate', ReadOnlyForceRecursive: true } },
    { Type: 'volume', Source: 'v', Target: '/p', VolumeOptions: { Subpath: 'a/b', NoCopy: true } },
  ] as const;
  const said = runCommand({ ...created, linkLocalAddresses: ['169.254.0.9'], hostConfig: { Mounts: [...Mounts], CpuRealtimePeriod: 1000 } }, 'site');
  expect(said).toContain('--mount type=bind,source=/s,target=/b,readonly,bind-propagation=rprivate,bind-recursive=readonly --mount type=volume,source=v,target=/p,volume-subpath=a/b,volume-nocopy');
  expect(said).toContain('--link-local-ip 169.254.0.9');
  expect(said).toContain('--cpu-rt-period 1000');
});

test('status counts what is there', () => {
  expect(engineStatus(chronicleOf(log(created, ...started)).chronicle, 9, ['nats', 'executor', 'engine'], ['nats', 'engine'])).toMatchObject({
    position: 9, commits: 3, containersByStatus: { running: 1 }, commitsByAggregate: { container: 3 }, ready: ['nats', 'engine'], notReady: ['executor'],
  });
});

describe('a container that comes back', () => {
  const { type: _made, at: createdAt, ...made } = created;
  const keptRemoval: ContainerEvent[] = [removed[0]!, { type: 'ContainerRemoved', container: id, keptUntil: at(59), at: at(21) }];
  const service = (event: ContainerEvent): Commit => ({ ...of(event), cause: { correlationId: 'asked', causationId: 'c', actor: 'service:containers' } });
  const before = (): Commit[] => log(created, ...started, exit, ...keptRemoval, { type: 'RestoreRequested', container: id, name: 'again', at: at(30) });
  const restored = (): Commit => service({ type: 'ContainerRestored', createdAt, ...made, name: 'again', start: 1, at: at(31) });

  test('is there again under its new name, in what was frozen meanwhile, too, by whoever asked for it', () => {
    const { chronicle, candidates } = chronicleOf(before());
    expect(chronicle.containers.size).toBe(0);
    expect(candidates).toMatchObject([{ id, gone: true }]);
    const thawed = Chronicle.from(JSON.parse(JSON.stringify(chronicle.freeze())) as ReturnType<Chronicle['freeze']>);
    const last = restored();
    for (const one of [chronicle, thawed]) {
      expect(one.see(last).gone).toEqual([]);
      expect(one.containers.get(id)).toMatchObject({ name: 'again', status: 'exited', restoredBy: 'uid:0 pid:7', created: { at: createdAt } });
      expect(one.containers.get(id)).not.toHaveProperty('keptUntil');
    }
    expect(why(chronicle.containers.get(id)!)).toContain('uid:0 pid:7 brought it back');
  });

  test('is meant before what has its old name of another kind, and gone when it goes again', () => {
    const volume = commit('berth.event.volume.again', at(40), { type: 'VolumeRemoved', name: 'again', driver: 'local', at: at(40) } as DomainEvent);
    const commits = [...before(), restored(), volume];
    expect(targetIn(commits, 'again')).toMatchObject({ kind: 'container', id, gone: false });
    expect(chronicleOf([...commits, ...log(...removed)]).candidates.filter(({ kind }) => kind === 'container')).toMatchObject([{ gone: true }, { gone: true }]);
  });

  test('stays no longer once it is discarded', () => {
    const { chronicle, candidates } = chronicleOf(log(created, ...keptRemoval, { type: 'ContainerDiscarded', container: id, reason: 'asked', at: at(30) }));
    expect(chronicle.freeze().containers).toEqual([]);
    expect(candidates).toMatchObject([{ id, gone: true }]);
  });
});

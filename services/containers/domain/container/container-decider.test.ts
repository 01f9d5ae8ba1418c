import { expect, test } from 'vitest';
import type { ContainerEvent, StartReason } from '#contracts/containers/events.js';
import { BerthError } from '#libs/errors/errors.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { type ContainerCommand, containerDecider } from './container-decider.js';
import { type ContainerSpec, isToRestart, type PresentContainer } from './container-state.js';

const at = '2026-01-01T00:00:00.000000000Z';
const soon = '2026-01-01T00:00:01.000000000Z';
const container = 'c1';
const spec: ContainerSpec = { id: container, createdAt: at, name: 'web', config: {}, hostConfig: {}, imageId: 'sha256:1', imageRef: 'busybox', layers: [], path: 'sh', args: [], mounts: [] };

const createdWith = (hostConfig: ContainerSpec['hostConfig']): ContainerEvent => {
  const { id: _id, createdAt: _createdAt, ...rest } = spec;
  return { type: 'ContainerCreated', container, ...rest, hostConfig, at };
};
const created = createdWith({});
const createdAlways = createdWith({ RestartPolicy: { Name: 'always' } });
const requested = (start = 1, reason: StartReason = 'api'): ContainerEvent => ({ type: 'StartRequested', container, start, reason, at });
const started = (start = 1): ContainerEvent => ({ type: 'ContainerStarted', container, start, pid: 7, at });
const exited = (start = 1): ContainerEvent => ({ type: 'ContainerExited', container, start, exitCode: 0, signal: 0, oomKilled: false, reason: 'completed', at });
const startFailed: ContainerEvent = { type: 'StartFailed', container, start: 1, error: 'no', exitCode: 127, at };
const stopRequested: ContainerEvent = { type: 'StopRequested', container, signal: 15, timeoutSeconds: 10, at };
const killRequested: ContainerEvent = { type: 'KillRequested', container, signal: 9, at };
const restartScheduled: ContainerEvent = { type: 'RestartScheduled', container, start: 1, delayMs: 100, at };
const removeRequested: ContainerEvent = { type: 'RemoveRequested', container, force: true, volumes: false, at };
const removed: ContainerEvent = { type: 'ContainerRemoved', container, at };

const create: ContainerCommand = { type: 'Create', spec, at };
const start = (reason: StartReason = 'api'): ContainerCommand => ({ type: 'Start', reason, at });
const recordStarted: ContainerCommand = { type: 'RecordStarted', start: 1, pid: 7, at };
const recordFailed: ContainerCommand = { type: 'RecordStartFailed', start: 1, error: 'no', exitCode: 127, at };
const exit = (seen: Partial<Extract<ContainerCommand, { type: 'RecordExited' }>> = {}): ContainerCommand => ({ type: 'RecordExited', start: 1, exitCode: 0, signal: 0, oomKilled: false, keeperLost: false, at: soon, ...seen });
const stop: ContainerCommand = { type: 'Stop', signal: 15, timeoutSeconds: 10, at };
const kill: ContainerCommand = { type: 'Kill', signal: 9, at };
const rename: ContainerCommand = { type: 'Rename', name: 'db', at };
const remove = (force: boolean): ContainerCommand => ({ type: 'Remove', force, volumes: false, at });
const recordRemoved: ContainerCommand = { type: 'RecordRemoved', at };

const pauseRequested: ContainerEvent = { type: 'PauseRequested', container, at };
const paused: ContainerEvent = { type: 'ContainerPaused', container, at };
const pauseFailed: ContainerEvent = { type: 'PauseFailed', container, error: 'no', at };
const unpauseRequested: ContainerEvent = { type: 'UnpauseRequested', container, at };
const unpaused: ContainerEvent = { type: 'ContainerUnpaused', container, at };
const pause: ContainerCommand = { type: 'Pause', at };
const unpause: ContainerCommand = { type: 'Unpause', at };
const recordPaused: ContainerCommand = { type: 'RecordPaused', start: 1, at };
const recordPauseFailed: ContainerCommand = { type: 'RecordPauseFailed', start: 1, error: 'no', at };
const recordUnpaused: ContainerCommand = { type: 'RecordUnpaused', start: 1, at };

const stopFailed: ContainerEvent = { type: 'StopFailed', container, start: 1, error: 'no answer', at };
const recordStopFailed: ContainerCommand = { type: 'RecordStopFailed', start: 1, error: 'no answer', at };

const given = specify(containerDecider);
const running = [created, requested(), started()] as const;
const after = (history: readonly ContainerEvent[]) => history.reduce(containerDecider.evolve, containerDecider.initialState);
const reasonOf = (history: readonly ContainerEvent[], command: ContainerCommand): string | undefined => {
  const event = containerDecider.decide(command, after(history))[0];
  return event?.type === 'ContainerExited' ? event.reason : undefined;
};

test('a stop that failed is told once, of a run that goes on, and is forgotten when somebody asks anew', () => {
  const stopFailedIn = (...history: readonly ContainerEvent[]): boolean => (after(history) as PresentContainer).run.stopFailed ?? false;
  given(...running, stopRequested).when(recordStopFailed).then(stopFailed);
  given(...running, stopRequested, stopFailed).when(recordStopFailed).thenNothing();
  given(...running, stopRequested, exited()).when(recordStopFailed).thenNothing();
  given(...running, stopRequested).when({ ...recordStopFailed, start: 2 } as ContainerCommand).thenNothing();
  expect([stopRequested, killRequested].map((asked) => [stopFailedIn(...running, asked, stopFailed), stopFailedIn(...running, asked, stopFailed, asked)])).toEqual([[true, false], [true, false]]);
});

test('a container is created once', () => {
  given().when(create).then(created);
  given(created).when(create).thenRefused('conflict', /exists already/);
});

test('a container that does not exist cannot be started, stopped, killed, renamed or removed', () => {
  for (const command of [start(), stop, kill, rename, remove(true)]) given().when(command).thenRefused('not-found', /No such container/);
  given(created, removeRequested, removed).when(start()).thenRefused('not-found');
});

test('starting counts the runs', () => {
  given(created).when(start()).then(requested(1));
  given(...running, exited()).when(start()).then(requested(2));
});

test('starting a running container changes nothing', () => {
  given(created, requested()).when(start()).thenNothing();
  given(...running).when(start()).thenNothing();
});

test('a paused container that ends by other than SIGKILL was let go on before', () => {
  const exit = (signal: number): ContainerCommand => ({ type: 'RecordExited', start: 1, exitCode: 7, signal, oomKilled: false, keeperLost: false, at });
  const ended = (signal: number): ContainerEvent => ({ type: 'ContainerExited', container, start: 1, exitCode: 7, signal, oomKilled: false, reason: signal === 0 ? 'error' : 'killed-kernel', at });
  given(...running, pauseRequested, paused).when(exit(0)).then(unpaused, ended(0));
  given(...running, pauseRequested, paused).when(exit(9)).then(ended(9));
  given(...running, pauseRequested, paused, unpaused, ended(0)).when(recordUnpaused).thenNothing();
});

test('a running container is paused and unpaused, once each, and that it is done follows that it is wanted', () => {
  given(...running).when(pause).then(pauseRequested);
  given(...running, pauseRequested).when(recordPaused).then(paused);
  given(...running, pauseRequested, paused).when(recordPaused).thenNothing();
  given(...running, pauseRequested, paused).when(unpause).then(unpauseRequested);
  given(...running, pauseRequested, paused, unpauseRequested).when(recordUnpaused).then(unpaused);
  given(...running, pauseRequested, paused, unpauseRequested, unpaused).when(recordUnpaused).thenNothing();
  given(...running, pauseRequested, paused, unpauseRequested, unpaused).when(pause).then(pauseRequested);
});

test('who detaches is noted', () => {
  given(...running).when({ type: 'Detach', at }).then({ type: 'ContainerDetached', container, at });
  given(...running).when({ type: 'Detach', exec: 'e1', at }).then({ type: 'ContainerDetached', container, exec: 'e1', at });
});

test('processes are listed of what runs, paused or not', () => {
  const list: ContainerCommand = { type: 'ListProcesses', at };
  given(...running).when(list).then({ type: 'ProcessesListed', container, at });
  given(...running, pauseRequested, paused).when(list).then({ type: 'ProcessesListed', container, at });
  given(created).when(list).thenRefused('conflict', /^container c1 is not running/);
  given(createdAlways, requested(), started(), exited(), restartScheduled).when(list).thenRefused('conflict', /is restarting/);
});

test('limits of what runs hold when the kernel has taken them, all others at once', () => {
  const changes = { PidsLimit: 7, RestartPolicy: { Name: 'always' } } as const;
  const update: ContainerCommand = { type: 'Update', changes, at };
  const updateRequested: ContainerEvent = { type: 'UpdateRequested', container, changes, at };
  const updated: ContainerEvent = { type: 'ContainerUpdated', container, changes, at };
  const recordUpdated: ContainerCommand = { type: 'RecordUpdated', at };
  given(created).when(update).then(updated);
  given(...running).when({ ...update, changes: { RestartPolicy: { Name: 'always' } } }).then({ ...updated, changes: { RestartPolicy: { Name: 'always' } } });
  given(...running).when(update).then(updateRequested);
  given(...running, updateRequested).when(recordUpdated).then(updated);
  given(...running, updateRequested, updated).when(recordUpdated).thenNothing();
  given(...running, updateRequested).when({ type: 'RecordUpdateFailed', error: 'busy', at }).then({ type: 'UpdateFailed', container, error: 'busy', at });
  expect(after([...running, updateRequested])).toMatchObject({ spec: { hostConfig: {} } });
  expect(after([...running, updateRequested, updated])).toMatchObject({ spec: { hostConfig: changes } });
  given(...running, removeRequested).when(update).thenRefused('conflict', /marked for removal/);
  given(...running, updateRequested, updated).when(exit({ exitCode: 1 })).then({ ...exited(), exitCode: 1, reason: 'error', at: soon } as ContainerEvent, { type: 'RestartScheduled', container, start: 1, delayMs: 100, at: soon });
});

test('files are copied of what is there, running or not, and not of what is about to go', () => {
  const read: ContainerCommand = { type: 'ReadArchive', path: '/x', at };
  for (const history of [[created], [...running], [...running, exited()]]) given(...history).when(read).then({ type: 'ArchiveRead', container, path: '/x', at });
  given(created).when({ type: 'WriteArchive', path: '/x', at }).then({ type: 'ArchiveWritten', container, path: '/x', at });
  given(created).when({ type: 'Export', at }).then({ type: 'ContainerExported', container, at });
  for (const command of [read, { type: 'WriteArchive', path: '/x', at }, { type: 'Export', at }] as ContainerCommand[]) given(...running, removeRequested).when(command).thenRefused('conflict', /marked for removal/);
});

test('a pause that the kernel refuses leaves the container running', () => {
  given(...running, pauseRequested).when(recordPauseFailed).then(pauseFailed);
  given(...running, pauseRequested, pauseFailed).when(pause).then(pauseRequested);
  given(...running, pauseRequested, paused).when(recordPauseFailed).thenNothing();
});

test('what does not run cannot be paused, and what is not paused cannot be unpaused', () => {
  given(created).when(pause).thenRefused('conflict', /^container c1 is not running/);
  given(...running, exited()).when(pause).thenRefused('conflict', /is not running/);
  given(createdAlways, requested(), started(), exited(), restartScheduled).when(pause).thenRefused('conflict', /is restarting/);
  for (const history of [[pauseRequested], [pauseRequested, paused]]) given(...running, ...history).when(pause).thenRefused('conflict', /is already paused/);
  given(...running).when(unpause).thenRefused('unclassified', /Container c1 is not paused/);
});

test('a paused container is unpaused before it is started, attached to or removed, but stops and is killed', () => {
  const history = [...running, pauseRequested, paused];
  given(...history).when(start()).thenRefused('conflict', /try unpause instead/);
  given(...history).when({ type: 'Attach', stdin: false, stdout: true, stderr: true, at }).thenRefused('conflict', /is paused, unpause the container before attach/);
  given(...history).when(remove(false)).thenRefused('conflict', /container is paused and must be unpaused first$/);
  given(...history).when(remove(true)).then(removeRequested);
  given(...history).when(stop).then(stopRequested);
  given(...history).when(kill).then(killRequested);
  expect(after([...history, exited()])).toMatchObject({ status: 'exited' });
});

test('what is told of the pause of an earlier run changes nothing', () => {
  given(...running, pauseRequested, exited()).when(recordPaused).thenNothing();
  given(...running, pauseRequested, exited(), requested(2), started(2)).when(recordPaused).thenNothing();
});

test('a container that is being removed can be neither started nor renamed', () => {
  given(...running, removeRequested).when(start()).thenRefused('conflict', /marked for removal/);
  given(...running, removeRequested).when(rename).thenRefused('conflict', /marked for removal/);
});

test('a start is recorded with its pid, and a report of another run is not', () => {
  given(created, requested()).when(recordStarted).then(started());
  given(created, requested(2)).when(recordStarted).thenNothing();
  given(...running).when(recordStarted).thenNothing();
});

test('a first start that fails leaves the container as created, a later one as exited', () => {
  given(created, requested()).when(recordFailed).then(startFailed);
  expect(after([created, requested(), startFailed])).toMatchObject({ status: 'created', run: { error: 'no', exitCode: 127, pid: 0 } });
  expect(after([created, requested(2), { ...startFailed, start: 2 } as ContainerEvent])).toMatchObject({ status: 'exited' });
});

test('a start that failed can be tried again', () => given(created, requested(), startFailed).when(start()).then(requested(2)));

test('an exit is recorded once, and only of the run that runs', () => {
  given(...running).when(exit()).then({ ...exited(), at: soon });
  given(...running, exited()).when(exit()).thenNothing();
  given(...running, exited(), requested(2), started(2)).when(exit()).thenNothing();
});

test('what is reported of a removed container concerns nobody', () => {
  for (const report of [recordStarted, recordFailed, exit(), recordRemoved]) given(created, removeRequested, removed).when(report).thenNothing();
});

test('the reason of an exit tells who did it', () => {
  expect(reasonOf(running, exit())).toBe('completed');
  expect(reasonOf(running, exit({ exitCode: 1 }))).toBe('error');
  expect(reasonOf(running, exit({ exitCode: 139, signal: 11 }))).toBe('killed-kernel');
  expect(reasonOf(running, exit({ exitCode: 137, signal: 9, oomKilled: true }))).toBe('oom');
  expect(reasonOf(running, exit({ exitCode: 137, signal: 9, keeperLost: true }))).toBe('keeper-lost');
  expect(reasonOf([...running, killRequested], exit({ exitCode: 137, signal: 9 }))).toBe('killed-api');
  expect(reasonOf([...running, stopRequested], exit({ exitCode: 143, signal: 15 }))).toBe('killed-api');
  expect(reasonOf([...running, stopRequested], exit({ exitCode: 137, signal: 9 }))).toBe('stop-timeout');
});

test('a run that lost a child to the OOM killer ends for the reason it ends for', () => {
  const lost = { oomKilled: true };
  expect(reasonOf(running, exit(lost))).toBe('completed');
  expect(reasonOf(running, exit({ ...lost, exitCode: 1 }))).toBe('error');
  expect(reasonOf(running, exit({ ...lost, exitCode: 137 }))).toBe('oom');
  expect(reasonOf([...running, stopRequested], exit(lost))).toBe('killed-api');
  expect(reasonOf([...running, stopRequested], exit({ ...lost, exitCode: 137, signal: 9 }))).toBe('stop-timeout');
  expect(reasonOf([...running, killRequested], exit({ ...lost, exitCode: 137, signal: 9 }))).toBe('killed-api');
  expect(reasonOf([...running, removeRequested], exit({ ...lost, exitCode: 137, signal: 9 }))).toBe('killed-api');
  expect(reasonOf([...running, { ...killRequested, signal: 1 } as ContainerEvent], exit({ ...lost, exitCode: 137, signal: 9 }))).toBe('oom');
});

test('a container with a restart policy starts again after it exits', () => {
  given(createdAlways, requested(), started()).when(exit()).then({ ...exited(), at: soon }, { ...restartScheduled, at: soon });
});

test('a container that somebody stopped, killed or removed does not start again', () => {
  for (const wish of [stopRequested, killRequested, removeRequested]) {
    const events = containerDecider.decide(exit(), after([createdAlways, requested(), started(), wish]));
    expect(events.map(({ type }) => type)).toEqual(['ContainerExited']);
  }
});

test('the pause before a restart doubles, and the restarts are counted', () => {
  const again = [createdAlways, requested(), started(), exited(), restartScheduled, requested(2, 'restart-policy'), started(2)];
  expect(after(again)).toMatchObject({ restartCount: 1, restartDelayMs: 100 });
  expect(containerDecider.decide(exit({ start: 2 }), after(again))[1]).toMatchObject({ type: 'RestartScheduled', delayMs: 200 });
});

test('a start by hand begins the count of restarts anew', () => {
  expect(after([createdAlways, requested(), started(), exited(), restartScheduled, requested(2, 'restart-policy'), started(2), exited(2), requested(3)])).toMatchObject({ restartCount: 0, restartDelayMs: 0 });
});

test('stopping what waits for its restart ends the waiting', () => {
  const waiting = [createdAlways, requested(), started(), exited(), restartScheduled] as const;
  given(...waiting).when(stop).then(stopRequested);
  expect(after([...waiting, stopRequested])).toMatchObject({ status: 'exited' });
});

test('what waits for its restart is neither started nor attached to by hand, and stops waiting for a signal that cancels its restart policy', () => {
  const waitingFor = (StopSignal?: string) => [{ ...createdAlways, ...(StopSignal ? { config: { StopSignal } } : {}) } as ContainerEvent, requested(), started(), exited(), restartScheduled] as const;
  given(...waitingFor()).when(start('api')).thenNothing();
  given(...waitingFor()).when({ type: 'Attach', stdin: false, stdout: true, stderr: true, at }).thenRefused('conflict', /is restarting, wait until the container is running/);
  given(...waitingFor()).when(start('restart-policy')).then(requested(2, 'restart-policy'));
  for (const signal of [9, 10]) given(...waitingFor()).when({ ...kill, signal }).then({ ...stopRequested, signal, timeoutSeconds: 0 });
  given(...waitingFor('QUIT')).when({ ...kill, signal: 10 }).thenNothing();
  for (const signal of [3, 9]) given(...waitingFor('QUIT')).when({ ...kill, signal }).then({ ...stopRequested, signal, timeoutSeconds: 0 });
});

test('the start of a planned restart is decided while what it restarts runs or is paused', () => {
  const planned: ContainerCommand = { type: 'Start', reason: 'restart', stopped: true, at };
  for (const state of [running, [...running, paused]]) given(...state).when(planned).then(requested(2, 'restart'));
});

test('the stop of a restart says so, and a stop after it has the last word', () => {
  const restarts: ContainerEvent = { ...stopRequested, restarts: true } as ContainerEvent;
  given(...running).when({ ...stop, restarts: true }).then(restarts);
  given(...running, exited()).when({ ...stop, restarts: true }).thenNothing();
  expect(containerDecider.decide(exit(), after([createdAlways, requested(), started(), restarts])).map(({ type }) => type)).toEqual(['ContainerExited']);
  const isToRestartAfter = (...history: ContainerEvent[]): boolean => isToRestart(after([...running, ...history]) as PresentContainer);
  expect(isToRestartAfter(restarts)).toBe(false);
  expect(isToRestartAfter(restarts, exited())).toBe(true);
  expect(isToRestartAfter(restarts, stopRequested, exited())).toBe(false);
  expect(isToRestartAfter(restarts, exited(), requested(2, 'restart'))).toBe(false);
});

test('stopping a stopped container changes nothing, killing it is refused', () => {
  given(...running, exited()).when(stop).thenNothing();
  given(...running, exited()).when(kill).thenRefused('conflict', /is not running/);
});

test('a running container is removed only by force', () => {
  given(...running).when(remove(false)).thenRefused('conflict', /container is running/);
  given(createdAlways, requested(), started(), exited(), restartScheduled).when(remove(false)).thenRefused('conflict', /container is restarting/);
  given(...running).when(remove(true)).then(removeRequested);
  given(...running, exited()).when(remove(false)).then({ ...removeRequested, force: false } as ContainerEvent);
});

test('a link goes once, and only what is one', () => {
  const linked = { ...created, hostConfig: { Links: ['db0:my-db', 'db0:db'] } };
  const removed = { type: 'LinkRemoved', container, alias: 'db', at } as const;
  given(linked).when({ type: 'RemoveLink', alias: 'db', at }).then(removed);
  given(linked, removed).when({ type: 'RemoveLink', alias: 'db', at }).thenNothing();
  given(linked, removed).when({ type: 'RemoveLink', alias: 'my-db', at }).then({ ...removed, alias: 'my-db' });
});

test('a rename tells the old name, and to the same name it is none', () => {
  given(created).when(rename).then({ type: 'ContainerRenamed', container, name: 'db', oldName: 'web', at });
  given(created).when({ type: 'Rename', name: 'web', at }).thenNothing();
});

const histories: ContainerEvent[][] = [
  [], [created], [created, requested()], [...running], [...running, exited()], [...running, removeRequested], [created, requested(), startFailed],
  [createdAlways, requested(), started()], [createdAlways, requested(), started(), exited(), restartScheduled], [created, removeRequested, removed],
];

test('no wish or report, given twice, yields events twice; only signals are sent as often as one asks', () => {
  idempotent(containerDecider, histories, [create, start(), start('restart-policy'), recordStarted, recordFailed, exit(), rename, remove(false), remove(true), recordRemoved, recordPaused, recordPauseFailed, recordUnpaused]);
});

test('a start that fails while the container is being removed is over, and the removal goes on', () => {
  given(created, requested(), removeRequested).when(recordFailed).then(startFailed);
  expect(after([created, requested(), removeRequested, startFailed])).toMatchObject({ status: 'removing', run: { over: true } });
  given(...running, removeRequested).when(recordFailed).thenNothing();
});

test('the report of an exit, delivered one to three times in any order with others, counts once', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const random = randomOf(seed);
  const wishes: ContainerCommand[] = [start(), stop, kill, remove(true), recordStarted, recordFailed];
  for (let round = 0; round < 2_000; round++) {
    let state = after([createdAlways]);
    const exits = new Map<number, number>();
    const reports: ContainerCommand[] = [1, 2, 3].flatMap((run) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => exit({ start: run, exitCode: run })));
    const commands = shuffled([...reports, ...wishes, start(), recordStarted, { ...recordStarted, start: 2 } as ContainerCommand, start('restart-policy')], random);
    for (const command of [...commands, ...shuffled(reports, random)]) {
      try {
        for (const event of containerDecider.decide(command, state)) {
          state = containerDecider.evolve(state, event);
          if (event.type !== 'ContainerExited') continue;
          exits.set(event.start, (exits.get(event.start) ?? 0) + 1);
          expect(event.exitCode, `seed ${seed}`).toBe(event.start);
        }
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
      }
    }
    for (const [run, count] of exits) expect(count, `seed ${seed}, round ${round}: run ${run}`).toBe(1);
  }
});

function randomOf(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items.map((item) => [random(), item] as const).sort(([one], [other]) => one - other).map(([, item]) => item);
}

test('a late exit report of a first start that failed changes nothing', () => given(createdAlways, requested(), startFailed).when(exit()).thenNothing());
test('a late start report of a first start that failed changes nothing', () => given(created, requested(), startFailed).when(recordStarted).thenNothing());
test('a restart that comes due after somebody stopped the container does not start it', () =>
  given(createdAlways, requested(), started(), exited(), restartScheduled, stopRequested).when(start('restart-policy')).thenNothing());

const probe = (exitCode: number): ContainerCommand => ({ type: 'RecordProbe', start: 1, probe: { startedAt: soon, endedAt: soon, exitCode, output: '' }, ranMs: 1000, at: soon });
const probed = (exitCode: number, was: 'starting' | 'healthy' | 'unhealthy', status: typeof was, failingStreak: number): ContainerEvent =>
  ({ type: 'HealthProbed', container, start: 1, probe: { startedAt: soon, endedAt: soon, exitCode, output: '' }, was, status, failingStreak, at: soon });
const earlier = (event: ContainerEvent): ContainerEvent => (event.type === 'HealthProbed' ? { ...event, probe: { ...event.probe, startedAt: at } } : event);
const restart: ContainerEvent = { type: 'UnhealthyRestartRequested', container, start: 1, signal: 15, timeoutSeconds: 10, at: soon };
const checked = (restartWhenUnhealthy?: number): ContainerEvent[] => [
  { ...createdWith({}), config: { Healthcheck: { Test: ['CMD', 'true'], Retries: 1 } }, ...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy }) } as ContainerEvent, requested(), started(),
];

test('a probe is recorded while its run goes on, and of a container that has a check', () => {
  given(...checked()).when(probe(0)).then(probed(0, 'starting', 'healthy', 0));
  given(...checked(), exited()).when(probe(0)).thenNothing();
  given(...running).when(probe(0)).thenNothing();
  given(...checked()).when({ ...probe(0), start: 2 } as ContainerCommand).thenNothing();
});

test('a probe has with it how its command ran, and told again it is one', () => {
  const exec = { id: 'e1', args: ['true'], startedAt: soon, end: { exitCode: 0, at: soon } };
  const event = { ...probed(0, 'starting', 'healthy', 0), exec } as ContainerEvent;
  given(...checked()).when({ ...probe(0), exec } as ContainerCommand).then(event);
  given(...checked(), event).when({ ...probe(0), exec } as ContainerCommand).thenNothing();
  given(...checked(), earlier(event)).when(probe(0)).then(probed(0, 'healthy', 'healthy', 0));
});

test('who goes on after a stop that failed stops to start again, as anybody who becomes unhealthy', () => {
  given(...checked(1), stopRequested).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1));
  given(...checked(1), stopRequested, stopFailed).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1), restart);
});

test('who is paused is called unhealthy until a probe says otherwise, and that alone is no reason to start it again', () => {
  const paused: ContainerEvent[] = [{ type: 'ContainerPaused', container, at }, { type: 'ContainerUnpaused', container, at }];
  const well = earlier(probed(0, 'starting', 'healthy', 0));
  given(...checked(1), well, ...paused).when(probe(0)).then(probed(0, 'unhealthy', 'healthy', 0));
  given(...checked(1), well, ...paused).when(probe(1)).then(probed(1, 'unhealthy', 'unhealthy', 1), restart);
  const patient: ContainerEvent[] = [{ ...createdWith({}), config: { Healthcheck: { Test: ['CMD', 'true'], Retries: 2 } }, restartWhenUnhealthy: 1 } as ContainerEvent, requested(), started()];
  given(...patient, well, ...paused).when(probe(1)).then(probed(1, 'unhealthy', 'unhealthy', 1));
});

test('who becomes unhealthy stops to start again, where that was asked for, so often in a row', () => {
  given(...checked()).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1));
  given(...checked(1)).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1), restart);
  given(...checked(1), earlier(probed(1, 'starting', 'unhealthy', 1)), restart).when(probe(1)).then(probed(1, 'unhealthy', 'unhealthy', 2));
  const again = [earlier(probed(1, 'starting', 'unhealthy', 1)), restart, exited(), restartScheduled, { ...requested(2, 'restart-policy'), start: 1 } as ContainerEvent, started()];
  given(...checked(1), ...again).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1));
  given(...checked(2), ...again).when(probe(1)).then(probed(1, 'starting', 'unhealthy', 1), restart);
  // Healthy in between: counted anew.
  given(...checked(1), ...again, earlier(probed(0, 'starting', 'healthy', 0))).when(probe(1)).then(probed(1, 'healthy', 'unhealthy', 1), restart);
});

test('its exit is followed by a restart without any policy, unless a person stops it meanwhile', () => {
  const ill = [...checked(0), probed(1, 'starting', 'unhealthy', 1), restart];
  given(...ill).when(exit({ signal: 15, exitCode: 143 })).then({ ...exited(), exitCode: 143, signal: 15, reason: 'unhealthy', at: soon } as ContainerEvent, { ...restartScheduled, at: soon } as ContainerEvent);
  given(...ill, stopRequested).when(exit({ signal: 15, exitCode: 143 })).then({ ...exited(), exitCode: 143, signal: 15, reason: 'killed-api', at: soon } as ContainerEvent);
});

test('a protected container refuses its removal, also by force, until it is unprotected', () => {
  const [isProtected, unprotected]: ContainerEvent[] = [{ type: 'ContainerProtected', container, at }, { type: 'ContainerUnprotected', container, at }];
  const [protect, unprotect]: ContainerCommand[] = [{ type: 'Protect', at }, { type: 'Unprotect', at }];
  given(...running).when(protect!).then(isProtected!);
  given(created, isProtected!).when(protect!).thenNothing();
  for (const force of [true, false]) given(created, isProtected!).when(remove(force)).thenRefused('conflict', /container is protected/);
  given(created, isProtected!).when(unprotect!).then(unprotected!);
  given(created).when(unprotect!).thenNothing();
  given(created, isProtected!, unprotected!).when(remove(false)).then({ ...removeRequested, force: false } as ContainerEvent);
  given(created, removeRequested).when(protect!).thenRefused('conflict', /marked for removal/);
});

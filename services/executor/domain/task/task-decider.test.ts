import { expect, test } from 'vitest';
import type { TaskEvent } from '#contracts/executor/tasks.js';
import { idempotent, specify } from '#libs/event-store/testing/specify.js';
import { type Task, type TaskCommand, taskDecider } from './task-decider.js';

const identity = { container: 'c1', start: 1, at: '2026-01-01T00:00:00.000000000Z' } as const;
const ending = { exitCode: 0, signal: 0, keeperLost: false } as const;
const requested: TaskEvent = { type: 'TaskRequested', ...identity };
const started: TaskEvent = { type: 'TaskStarted', ...identity, pid: 7 };
const failed: TaskEvent = { type: 'TaskFailed', ...identity, error: 'no' };
const exited: TaskEvent = { type: 'TaskExited', ...identity, ...ending, oomKilled: false };
const outOfMemory = (kills: number): TaskEvent => ({ type: 'TaskOutOfMemory', ...identity, kills });
const execStarted: TaskEvent = { type: 'ExecStarted', ...identity, exec: 'e1', pid: 9 };
const execExited: TaskEvent = { type: 'ExecExited', ...identity, exec: 'e1', exitCode: 3 };

const request: TaskCommand = { ...requested, type: 'Request' };
const recordStarted: TaskCommand = { ...identity, type: 'RecordStarted', pid: 7 };
const recordFailed: TaskCommand = { ...identity, type: 'RecordFailed', error: 'no' };
const recordExited: TaskCommand = { ...identity, ...ending, oomKills: 0, type: 'RecordExited' };
const recordOutOfMemory = (kills: number): TaskCommand => ({ ...identity, type: 'RecordOutOfMemory', kills });
const recordExecStarted: TaskCommand = { ...identity, type: 'RecordExecStarted', exec: 'e1', pid: 9 };
const recordExecExited: TaskCommand = { ...identity, type: 'RecordExecExited', exec: 'e1', exitCode: 3 };
const given = specify(taskDecider);

test('a task is requested, starts and exits', () => {
  given().when(request).then(requested);
  given(requested).when(recordStarted).then(started);
  given(requested, started).when(recordExited).then(exited);
});
test('a task that failed to start can be requested again', () => {
  given(requested).when(recordFailed).then(failed);
  given(requested, failed).when(request).then(requested);
});
test('a task never moves back', () => {
  given(requested, started).when(request).thenNothing();
  given(requested, started).when(recordFailed).thenNothing();
  for (const late of [request, recordStarted, recordFailed, recordExited]) given(requested, started, exited).when(late).thenNothing();
});
test('ports change of a task that runs, and once', () => {
  const published = { address: '10.0.0.2', ports: [{ containerPort: 80, protocol: 'tcp', hostIp: '', hostPort: 8080 }] } as const;
  const change: TaskCommand = { ...identity, type: 'ChangePorts', published };
  const changed: TaskEvent = { type: 'PortsChanged', ...identity, published };
  given(requested, started).when(change).then(changed);
  given(requested, started, changed).when(change).thenNothing();
  given(requested, started, changed).when({ ...change, published: { ...published, ports: [] } }).then({ ...changed, published: { ...published, ports: [] } });
  given(requested).when(change).thenNothing();
  given(requested, started, exited).when(change).thenNothing();
});
test('where its cgroup is, is known from the request on until after its end', () => {
  given().when({ ...request, cgroupParent: '/a' }).then({ ...requested, cgroupParent: '/a' });
  given().when({ ...request, cgroupParent: '' }).then({ ...requested, cgroupParent: '' }); // the top
  const fold = (...events: TaskEvent[]): Task => events.reduce(taskDecider.evolve, taskDecider.initialState);
  const asked = { ...requested, cgroupParent: '/a' };
  for (const events of [[asked], [asked, started], [asked, started, exited], [asked, exited], [asked, failed]]) expect(fold(...events)).toMatchObject({ cgroupParent: '/a' });
  expect(fold(asked, failed, requested)).not.toHaveProperty('cgroupParent');
});
test('the ids of a task\'s user namespace are known while it runs', () => {
  const ids = { uids: [{ inside: 0, outside: 100000, size: 65536 }], gids: [{ inside: 0, outside: 200000, size: 65536 }] };
  given().when({ ...request, ids }).then({ ...requested, ids });
  expect([{ ...requested, ids }, started].reduce(taskDecider.evolve, taskDecider.initialState)).toMatchObject({ status: 'running', ids });
  expect([{ ...requested, ids }, started, exited].reduce(taskDecider.evolve, taskDecider.initialState)).not.toHaveProperty('ids');
});
test('what the OOM killer takes is told once, while the task runs or with its end', () => {
  given(requested, started).when(recordOutOfMemory(1)).then(outOfMemory(1));
  given(requested, started, outOfMemory(1)).when(recordOutOfMemory(1)).thenNothing(); // of a shim that was found again
  given(requested, started, outOfMemory(1)).when(recordOutOfMemory(3)).then(outOfMemory(3));
  given(requested, started).when({ ...recordExited, oomKills: 2 } as TaskCommand).then(outOfMemory(2), { ...exited, oomKilled: true } as TaskEvent);
  given(requested, started, outOfMemory(2)).when({ ...recordExited, oomKills: 2 } as TaskCommand).then({ ...exited, oomKilled: true } as TaskEvent);
  given(requested, started, exited).when(recordOutOfMemory(1)).thenNothing();
});
test('an exit counts even when the start was never seen', () => given(requested).when(recordExited).then(exited));
test('nothing is observed of a task that was never requested', () => {
  for (const report of [recordStarted, recordFailed, recordExited, recordExecStarted, recordExecExited]) given().when(report).thenNothing();
});
test('an exec runs in a running task, and ends with it', () => {
  given(requested, started).when(recordExecStarted).then(execStarted);
  given(requested, started, execStarted).when(recordExecExited).then(execExited);
  given(requested, started, exited).when(recordExecStarted).thenNothing();
  given(requested, started).when(recordExecExited).thenNothing();
  expect([requested, started, execStarted, exited].reduce(taskDecider.evolve, taskDecider.initialState)).toMatchObject({ status: 'exited', pid: 0, execs: new Set() });
});

test('the end of an exec tells of its start where the log did not take that', () => {
  const { type: _type, container: _container, start: _start, exec: _exec, ...began } = execStarted as Extract<TaskEvent, { type: 'ExecStarted' }>;
  given(requested, started).when({ ...recordExecExited, began } as TaskCommand).then(execStarted, execExited);
  given(requested, started, execStarted).when({ ...recordExecExited, began } as TaskCommand).then(execExited);
  given(requested, started, exited).when({ ...recordExecExited, began } as TaskCommand).thenNothing();
});

const histories: TaskEvent[][] = [[], [requested], [requested, failed], [requested, started], [requested, started, execStarted], [requested, started, execStarted, execExited], [requested, started, exited]];
test('an observation of a task, made twice, is one', () => idempotent(taskDecider, histories, [request, recordStarted, recordFailed, recordExited]));

test('the start of an exec, observed twice, is one', () => idempotent(taskDecider, histories, [recordExecStarted]));
test('the end of an exec, observed twice, is one', () => idempotent(taskDecider, histories, [recordExecExited]));

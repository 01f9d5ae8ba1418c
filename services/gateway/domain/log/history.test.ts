import { expect, test } from 'vitest';
import type { Commit, DomainEvent } from '#libs/event-store/event.js';
import { historyOf } from './history.js';
import { OperationTimes } from './operation-times.js';
import { at, commit, created, id, log, targetIn } from './testing/log-of-web.js';

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
  expect(entries.map(({ durationMs }) => durationMs)).toEqual([undefined, 1_000, 2_000, 4_000]);
});

test('a duration is of one cause, goes on from piece to piece, and is never below nothing', () => {
  const caused = (correlationId: string, time: string) => ({ ...commit(`berth.event.task.${id}-1`, time, { type: 'TaskRequested', container: id, start: 1, at: time } as DomainEvent), cause: { correlationId, causationId: 'x', actor: 'x' } });
  const times = new OperationTimes();
  const target = targetIn(log(created), 'web');
  const told = (...commits: Commit[]) => historyOf(commits, target, times).map(({ durationMs }) => durationMs);
  expect(told(caused('start', at(1)), caused('stop', at(2)))).toEqual([undefined, undefined]);
  expect(told(caused('stop', at(5)), caused('start', at(7)), caused('stop', at(0)))).toEqual([3_000, 6_000, 0]);
});

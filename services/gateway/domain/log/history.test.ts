import { expect, test } from 'vitest';
import type { DomainEvent } from '#libs/event-store/event.js';
import { historyOf } from './history.js';
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
});

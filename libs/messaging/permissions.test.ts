import { describe, expect, test } from 'vitest';
import { BUS_USERS, type BusUser, permissionsOf } from './permissions.js';

const services = BUS_USERS.filter((user) => user !== 'operator');

/** NATS's own rule: `>` stands for one or more last tokens. The table uses no other wildcard. */
function covers(pattern: string, subject: string): boolean {
  return pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}

const mayPublish = (user: BusUser, subject: string): boolean => permissionsOf(user).publish.allow.some((pattern) => covers(pattern, subject));
const mayListen = (user: BusUser, subject: string): boolean => permissionsOf(user).subscribe.allow.some((pattern) => covers(pattern, subject));
const whoMay = (subject: string): BusUser[] => services.filter((user) => mayPublish(user, subject));

describe('one writer an aggregate', () => {
  test.each([
    ['container', 'containers'],
    ['name', 'containers'],
    ['exec', 'containers'],
    ['network', 'networks'],
    ['pool', 'networks'],
    ['volume', 'volumes'],
    ['image', 'images'],
    ['task', 'executor'],
    ['access', 'gateway'],
  ])('%s is written by %s alone', (aggregate, owner) => expect(whoMay(`berth.event.${aggregate}.x`)).toEqual([owner]));
});

test('containers alone have the executor act on containers', () => {
  for (const request of ['launch-task', 'launch-exec', 'signal-task', 'remove-container-files', 'extract-archive', 'discard-kept']) expect(whoMay(`berth.command.executor.${request}`)).toEqual(['containers']);
  for (const request of ['open-changes', 'open-logs', 'stat-path', 'kept']) expect(whoMay(`berth.query.executor.${request}`)).toEqual(['containers']);
});

test('the gateway gives the executor no commands', () => expect(mayPublish('gateway', 'berth.command.executor.x')).toBe(false));

test('whoever asks a service may ask whether it is the one that was asked, and for all of its reply', () => {
  for (const user of services) {
    for (const service of services) {
      const asks = permissionsOf(user).publish.allow.some((pattern) => new RegExp(`^berth\\.(command|query)\\.${service}\\.`).test(pattern));
      for (const query of ['uptime', 'rest']) expect(mayPublish(user, `berth.query.${service}.${query}`), `${user} ${service}`).toBe(asks);
    }
  }
});

test('the executor commands nobody', () => {
  for (const service of services) expect(mayPublish('executor', `berth.command.${service}.x`)).toBe(false);
});

test('nobody listens to requests or replies of another', () => {
  for (const user of BUS_USERS) {
    for (const other of BUS_USERS.filter((name) => name !== user)) {
      for (const subject of [`_INBOX_${other}.a`, `berth.command.${other}.a`, `berth.query.${other}.a`]) expect(mayListen(user, subject), `${user} ${subject}`).toBe(false);
    }
  }
});

test('nobody makes the server keep the commits that it delivers as if they were to be answered', () => {
  for (const user of BUS_USERS) expect(mayPublish(user, '$JS.ACK.BERTH.consumer.1.2.3.4.5'), user).toBe(true);
});

test('no service writes into an inbox unasked', () => {
  for (const user of services) for (const other of BUS_USERS) expect(mayPublish(user, `_INBOX_${other}.a`)).toBe(false);
});

test.each(['STREAM.UPDATE', 'STREAM.DELETE', 'STREAM.PURGE', 'STREAM.MSG.DELETE', 'STREAM.RESTORE'])('no service changes what was logged: %s', (call) => {
  expect(whoMay(`$JS.API.${call}.BERTH`)).toEqual([]);
});

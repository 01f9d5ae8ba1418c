import { describe, expect, test } from 'vitest';
import { userNamespaceMode, userNamespaceOf } from './user-namespace.js';

test('a container has the ids of its engine, unless it asks for the host\'s or its own', () => {
  expect(userNamespaceOf({}, false)).toBeUndefined();
  expect(userNamespaceOf({}, true)).toBe('engine');
  expect(userNamespaceOf({ CgroupnsMode: 'host', UTSMode: 'host' }, true)).toBe('engine');
  expect(userNamespaceOf({ UsernsMode: 'host' }, true)).toBeUndefined();
  expect(userNamespaceOf({ UsernsMode: 'private' }, false)).toBe('private');
  expect(userNamespaceOf({ UsernsMode: 'private' }, true)).toBe('private');
});

describe('what a user namespace has no room for is refused, and goes with the host\'s', () => {
  test.each([
    [{ Privileged: true }, 'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode'],
    [{ NetworkMode: 'host' }, "cannot share the host's network namespace when user namespaces are enabled"],
    [{ PidMode: 'host' }, 'cannot share the host PID namespace when user namespaces are enabled'],
    [{ IpcMode: 'host' }, 'cannot share the host IPC namespace when user namespaces are enabled'],
  ])('%j', (host, says) => {
    expect(() => userNamespaceOf(host, true)).toThrow(says);
    expect(() => userNamespaceOf({ ...host, UsernsMode: 'private' }, false)).toThrow(says);
    expect(userNamespaceOf({ ...host, UsernsMode: 'host' }, true)).toBeUndefined();
    expect(userNamespaceOf(host, false)).toBeUndefined();
  });
});

test.each([
  [{ NetworkMode: 'container:web' }, 'network'],
  [{ PidMode: 'container:web' }, 'processes'],
  [{ IpcMode: 'container:web' }, 'IPC'],
])('%j goes with the engine\'s ids, not with ids of one\'s own', (host, what) => {
  expect(userNamespaceOf(host, true)).toBe('engine');
  expect(() => userNamespaceOf({ ...host, UsernsMode: 'private' }, true)).toThrow(`cannot join another container's ${what} with a private user namespace`);
});

test('a label asks for what the CLI has no word for', () => {
  expect(userNamespaceMode({}, { 'berth.userns': 'private' })).toBe('private');
  expect(userNamespaceMode({ UsernsMode: 'host' }, {})).toBe('host');
  expect(userNamespaceMode({}, null)).toBe('');
  expect(() => userNamespaceMode({}, { 'berth.userns': 'own' })).toThrow('invalid label berth.userns=own: use "private"');
  expect(() => userNamespaceMode({ UsernsMode: 'host' }, { 'berth.userns': 'private' })).toThrow('conflicting options');
  expect(() => userNamespaceMode({ UsernsMode: 'odd' }, {})).toThrow('invalid user namespace mode: odd');
});

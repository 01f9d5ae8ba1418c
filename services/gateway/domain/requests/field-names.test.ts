import { expect, test } from 'vitest';
import { withFieldNames } from './field-names.js';

const create = (body: unknown): unknown => withFieldNames('/containers/create', body);

test('the case of a field\'s name means nothing, however deep it is', () => {
  expect(create({ image: 'x', CMD: ['true'], hostConfig: { autoremove: true, mounts: [{ type: 'tmpfs', tmpfsoptions: { mode: 1 } }], restartpolicy: { name: 'no' } }, healthcheck: { test: [] } })).toEqual({
    Image: 'x', Cmd: ['true'], HostConfig: { AutoRemove: true, Mounts: [{ Type: 'tmpfs', TmpfsOptions: { Mode: 1 } }], RestartPolicy: { Name: 'no' } }, Healthcheck: { Test: [] },
  });
  expect(withFieldNames('/containers/web/update', { memory: 1, pidslimit: 2 })).toEqual({ Memory: 1, PidsLimit: 2 });
  expect(withFieldNames('/containers/web/exec', { cmd: ['a'] })).toEqual({ Cmd: ['a'] });
  expect(withFieldNames('/auth', { Username: 'u' })).toEqual({ username: 'u' });
});

test('names that are data stay', () => {
  const data = { Labels: { image: 'a', Image: 'b' }, Volumes: { '/CMD': {} }, HostConfig: { Tmpfs: { '/Binds': '' }, Sysctls: { memory: '1' }, LogConfig: { Config: { TYPE: 'x' } } } };
  expect(create(data)).toEqual(data);
  expect(create({ networkingconfig: { endpointsconfig: { bridge: { macaddress: 'm' } } }, HostConfig: { portbindings: { '80/tcp': [{ hostport: '1' }] } } })).toEqual({
    NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: 'm' } } }, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '1' }] } },
  });
});

test('the very name comes first, and nothing is dropped', () => {
  expect(create({ image: 'other', Image: 'x' })).toEqual({ image: 'other', Image: 'x' });
  expect(create({ IMAGE: 'x', image: 'other' })).toEqual({ Image: 'x', image: 'other' });
  expect(create({ nosuch: 1, HostConfig: null, Cmd: 'text' })).toEqual({ nosuch: 1, HostConfig: null, Cmd: 'text' });
  expect(create('text')).toBe('text');
  expect(Object.keys(create(JSON.parse('{"__proto__":{"Image":"x"}}')) as object)).toEqual(['__proto__']);
  expect(withFieldNames('/networks/n/connect', { name: 'x' })).toEqual({ name: 'x' });
});

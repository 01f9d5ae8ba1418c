import { expect, test } from 'vitest';
import { API_BODIES } from './api-bodies.js';
import { CONFIG, HOST_CONFIG } from './create-request.js';
import { decodeBody } from './decode-body.js';

const create = (body: unknown): unknown => decodeBody('/containers/create', body);

test('the case of a field\'s name means nothing, however deep it is', () => {
  expect(create({ image: 'x', CMD: ['true'], hostConfig: { autoremove: true, mounts: [{ type: 'tmpfs', tmpfsoptions: { mode: 1 } }], restartpolicy: { name: 'no' } }, healthcheck: { test: [] } })).toEqual({
    Image: 'x', Cmd: ['true'], HostConfig: { AutoRemove: true, Mounts: [{ Type: 'tmpfs', TmpfsOptions: { Mode: 1 } }], RestartPolicy: { Name: 'no' } }, Healthcheck: { Test: [] },
  });
  expect(decodeBody('/containers/web/update', { memory: 1, pidslimit: 2 })).toEqual({ Memory: 1, PidsLimit: 2 });
  expect(decodeBody('/containers/web/exec', { cmd: ['a'] })).toEqual({ Cmd: ['a'] });
  expect(decodeBody('/auth', { Username: 'u' })).toEqual({ username: 'u' });
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
  expect(decodeBody('/networks/n/connect', { name: 'x' })).toEqual({ name: 'x' });
});

test.each([
  [{ Image: 5 }, 'number into Go struct field .Image of type string'],
  [{ Cmd: [5] }, 'array into Go value of type string'],
  [{ Labels: { a: 5 } }, 'number into Go struct field .Labels.a of type string'],
  [{ ExposedPorts: { '80/tcp': 5 } }, 'number into Go struct field .ExposedPorts.80~1tcp of type struct {}'],
  [{ Healthcheck: { Interval: '1s' } }, 'string into Go struct field .Healthcheck.Interval of type time.Duration'],
  [{ HostConfig: 5 }, 'number into Go struct field .HostConfig of type container.HostConfig'],
  [{ hostconfig: { memory: 1.5 } }, 'number 1.5 into Go struct field .HostConfig.Memory of type int64'],
  [{ HostConfig: { Binds: [5] } }, 'number into .HostConfig.Binds.0 of type string'],
  [{ HostConfig: { BlkioWeight: 70_000 } }, 'number 70000 into Go struct field .HostConfig.BlkioWeight of type uint16'],
  [{ HostConfig: { ConsoleSize: [-1, 2] } }, 'number -1 into .HostConfig.ConsoleSize.0 of type uint'],
  [{ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 80 }] } } }, 'number into Go struct field .HostConfig.PortBindings.80~1tcp.0.HostPort of type string'],
  [{ HostConfig: { PortBindings: { '80/tcp': {} } } }, 'object into Go struct field .HostConfig.PortBindings.80~1tcp of type []nat.PortBinding'],
  [{ HostConfig: { Ulimits: [{ Soft: 'x' }] } }, 'string into Go struct field .HostConfig.Ulimits.0.Soft of type int64'],
  [{ NetworkingConfig: { EndpointsConfig: { x: 5 } } }, 'number into Go struct field .NetworkingConfig.EndpointsConfig.x of type network.EndpointSettings'],
])('a field of another type is refused in the words of dockerd 28.5: %j', (body, words) => {
  expect(() => create(body)).toThrow(`invalid JSON: json: cannot unmarshal ${words}`);
});

test('null is no value of another type', () => {
  const body = { Image: null, Cmd: null, Labels: null, HostConfig: { Memory: null, Binds: null, Ulimits: [null], PortBindings: { '80/tcp': null } } };
  expect(create(body)).toEqual(body);
});

test('each field that is taken of a container\'s configuration has its type', () => {
  const { fields } = API_BODIES[0]?.type ?? { fields: new Map() };
  const host = fields.get('HostConfig');
  expect([...CONFIG].filter((name) => !fields.has(name))).toEqual([]);
  expect([...HOST_CONFIG].filter((name) => host?.kind !== 'struct' || !host.fields.has(name))).toEqual([]);
});

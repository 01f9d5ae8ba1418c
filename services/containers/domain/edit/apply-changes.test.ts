import { expect, test } from 'vitest';
import { applyChanges, type EditableSpec } from './apply-changes.js';

const spec: EditableSpec = {
  config: { Env: ['A=1', 'B=2'], Entrypoint: ['entry'], Cmd: ['old'], Labels: { tier: 'front' }, ExposedPorts: { '80/tcp': {} } },
  hostConfig: { NetworkMode: 'bridge', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, Binds: ['data:/data', '/srv:/srv:ro'] },
  path: 'entry', args: ['old'],
  mounts: [{ type: 'volume', name: 'data', source: '/v/data', target: '/data', readOnly: false, propagation: '' }, { type: 'bind', source: '/srv', target: '/srv', readOnly: true, propagation: 'rprivate' }],
};

test('a variable that is there keeps its place, a new one comes behind', () => {
  expect(applyChanges(spec, { setEnv: ['A=9', 'C=3'], unsetEnv: ['B'] }).config.Env).toEqual(['A=9', 'C=3']);
  expect(() => applyChanges(spec, { setEnv: ['A'] })).toThrow('give NAME=value');
});

test('a command comes in place of the other, behind the entrypoint', () => expect(applyChanges(spec, { command: ['new', 'x'] })).toMatchObject({ path: 'entry', args: ['new', 'x'], config: { Cmd: ['new', 'x'] } }));

test('labels are set and taken away', () => expect(applyChanges(spec, { setLabels: { a: 'b' }, unsetLabels: ['tier'] }).config.Labels).toEqual({ a: 'b' }));

test('ports come beside those there are, once, and go all of one container port', () => {
  const more = applyChanges(spec, { publish: { '80/tcp': [{ HostPort: '8080' }, { HostPort: '8081' }], 53: [{}] } });
  expect(more.hostConfig.PortBindings).toEqual({ '80/tcp': [{ HostIp: '', HostPort: '8080' }, { HostIp: '', HostPort: '8081' }], '53/tcp': [{ HostIp: '', HostPort: '' }] });
  expect(more.config.ExposedPorts).toEqual({ '80/tcp': {}, '53/tcp': {} });
  expect(applyChanges(more, { unpublish: ['80'] }).hostConfig.PortBindings).toEqual({ '53/tcp': [{ HostIp: '', HostPort: '' }] });
  expect(() => applyChanges(spec, { unpublish: ['8080'] })).toThrow('the container publishes no port 8080/tcp: port 8080 of the host is its 80/tcp');
  expect(() => applyChanges(spec, { unpublish: ['80/udp'] })).toThrow(/no port 80\/udp$/);
  expect(() => applyChanges({ ...spec, hostConfig: { NetworkMode: 'host' } }, { publish: { '80/tcp': [{}] } })).toThrow('no ports to publish');
});

test.each([
  ['8081:80', ['127.0.0.1 8082', '::1 8082', ' 8080']],
  ['127.0.0.1:8082:80', ['::1 8082', ' 8080', ' 8081']],
  ['[::1]:8082:80/tcp', ['127.0.0.1 8082', ' 8080', ' 8081']],
  ['8082:80', [' 8080', ' 8081']],
  ['0.0.0.0:8080:80', ['127.0.0.1 8082', '::1 8082', ' 8081']],
])('one port of the host goes alone where it is named: %s', (port, left) => {
  const more = applyChanges(spec, { publish: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8082' }, { HostIp: '::1', HostPort: '8082' }, { HostPort: '8081' }] } });
  const { hostConfig, config } = applyChanges(more, { unpublish: [port] });
  expect(hostConfig.PortBindings?.['80/tcp']?.map(({ HostIp, HostPort }) => `${HostIp} ${HostPort}`).toSorted()).toEqual(left.toSorted());
  expect(config.ExposedPorts).toEqual({ '80/tcp': {} });
});

test('the last port of the host takes the container\'s with it, and one that is not published is refused', () => {
  expect(applyChanges(spec, { unpublish: ['8080:80'] }).hostConfig.PortBindings).toEqual({});
  for (const other of ['8081:80', '127.0.0.1:8080:80', '8080:81']) expect(() => applyChanges(spec, { unpublish: [other] })).toThrow(`the container does not publish ${other}`);
});

test('a mount is taken out wherever it is named', () => {
  const less = applyChanges(spec, { unmount: ['/srv/'] });
  expect([less.hostConfig.Binds, less.mounts.map(({ target }) => target)]).toEqual([['data:/data'], ['/data']]);
  expect(() => applyChanges(spec, { unmount: ['/nothing'] })).toThrow('nothing is mounted at /nothing');
});

test('nothing asked for changes nothing', () => expect(applyChanges(spec, {})).toEqual(spec));

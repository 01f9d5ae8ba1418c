import { expect, test } from 'vitest';
import { encodeImageName } from './image-paths.js';
import { encodeLinkName } from './link-paths.js';
import { parseDetachKeys, typed, watchingFor } from './detach-keys.js';
import { readTimeLimit, unixNanos } from './docker-time.js';
import { readCreateRequest } from './create-request.js';
import { labelsFit, nameFits, readFilters } from './filters.js';
import { humanDuration, statusText } from './status.js';

const second = 1000;
const hour = 3600 * second;

test.each([
  [0, 'Less than a second'],
  [1.9 * second, '1 second'],
  [59 * second, '59 seconds'],
  [60 * second, 'About a minute'],
  [59 * 60 * second, '59 minutes'],
  [hour, 'About an hour'],
  [1.5 * hour, '2 hours'],
  [47 * hour, '47 hours'],
  [48 * hour, '2 days'],
  [14 * 24 * hour, '2 weeks'],
  [61 * 24 * hour, '2 months'],
  [800 * 24 * hour, '2 years'],
])('%d ms are printed as %s', (ms, text) => expect(humanDuration(ms)).toBe(text));

test('a container that ended says how and when', () => {
  const now = Date.parse('2026-01-01T00:02:00Z');
  expect(statusText({ status: 'exited', exitCode: 3, startedAt: '', finishedAt: '2026-01-01T00:00:00Z' }, now)).toBe('Exited (3) 2 minutes ago');
  expect(statusText({ status: 'paused', exitCode: 0, startedAt: '2026-01-01T00:01:57Z', finishedAt: '' }, now)).toBe('Up 3 seconds (Paused)');
});

test('both forms of filters are read, and an unknown one is refused by name', () => {
  expect(readFilters('{"label":{"a":true,"b":false}}', ['label']).get('label')).toEqual(['a']);
  expect(readFilters('{"label":["a"]}', ['label']).get('label')).toEqual(['a']);
  expect(() => readFilters('{"colour":["red"]}', ['label'])).toThrow("invalid filter 'colour'");
});

test('labels must all hold, a name may be a part or a pattern', () => {
  const filters = readFilters('{"label":["a","b=1"]}', ['label']);
  expect(labelsFit(filters, { a: '', b: '1' })).toBe(true);
  expect(labelsFit(filters, { a: '', b: '2' })).toBe(false);
  expect([nameFits('eb', 'web'), nameFits('^/web$', 'web'), nameFits('^we$', 'web'), nameFits('[', 'web')]).toEqual([true, true, false, false]);
});

test('detach keys are caught over two writes, and what only looked like them goes on', () => {
  const keys = parseDetachKeys('');
  expect([...keys]).toEqual([16, 17]);
  const first = typed(watchingFor(keys), Buffer.from('a\x10'));
  expect([first.pass.toString(), first.detached]).toEqual(['a', false]);
  expect(typed(first.state, Buffer.from('b')).pass.toString()).toBe('\x10b');
  expect(typed(first.state, Buffer.from('\x10')).pass.toString()).toBe('\x10');
  expect(typed(typed(first.state, Buffer.from('\x10')).state, Buffer.from('\x11')).detached).toBe(true);
  const detached = typed(first.state, Buffer.from('\x11rest'));
  expect([detached.pass.length, detached.detached]).toEqual([0, true]);
  expect(() => parseDetachKeys('ctrl-1')).toThrow('Invalid detach keys');
});

test('time limits are Unix seconds or RFC 3339', () => {
  expect(readTimeLimit('since', '1700000000.5')).toBe('2023-11-14T22:13:20.500000000Z');
  expect(readTimeLimit('since', '0')).toBe('');
  expect(readTimeLimit('since', '2026-01-01T00:00:00Z')).toBe('2026-01-01T00:00:00Z');
  expect(() => readTimeLimit('since', 'yesterday')).toThrow('invalid value for "since"');
  expect(unixNanos('2023-11-14T22:13:20.123456789Z')).toBe(1700000000123456789n);
});

test.each([
  ['GET', '/images/a/b:c/json', '/images/a%2Fb:c/json'],
  ['GET', '/images/json', '/images/json'],
  ['GET', '/images/get', '/images/get'],
  ['POST', '/images/h:5000/a/b/tag', '/images/h:5000%2Fa%2Fb/tag'],
  ['POST', '/images/load', '/images/load'],
  ['DELETE', '/images/a/json', '/images/a%2Fjson'],
])('%s %s is routed as %s', (method, path, routed) => expect(encodeImageName(method, path)).toBe(routed));

test.each([
  ['GET', '/containers/web/db/json', '/containers/web%2Fdb/json'],
  ['GET', '/containers//web/db/json', '/containers/web%2Fdb/json'],
  ['POST', '/containers/web/db/exec', '/containers/web%2Fdb/exec'],
  ['GET', '/containers/web/db/attach/ws', '/containers/web%2Fdb/attach/ws'],
  ['DELETE', '/containers/web/db', '/containers/web%2Fdb'],
  ['DELETE', '/containers/web', '/containers/web'],
  ['GET', '/containers/web/json', '/containers/web/json'],
  ['GET', '/containers/web/attach/ws', '/containers/web/attach/ws'],
  ['DELETE', '/containers/web/checkpoints/one', '/containers/web/checkpoints/one'],
  ['GET', '/containers/web/db/nothing', '/containers/web/db/nothing'],
])('of links, %s %s is routed as %s', (method, path, routed) => expect(encodeLinkName(method, path)).toBe(routed));

test('an option that Berth lacks is refused by name, its default is not', () => {
  const asked = { Image: 'x', OnBuild: null, HostConfig: { NetworkMode: 'default', UsernsMode: 'host', ContainerIDFile: '/cid', Cgroup: '', IOMaximumIOps: 0, CpuCount: 0 } };
  expect(readCreateRequest(asked)).toEqual({ config: { Image: 'x' }, hostConfig: { NetworkMode: 'bridge', UsernsMode: 'host' } });
  expect(() => readCreateRequest({ Image: 'x', HostConfig: { CpuCount: 1 } })).toThrow('HostConfig.CpuCount');
  expect(() => readCreateRequest({ OnBuild: ['RUN true'] })).toThrow('Config.OnBuild');
  expect(readCreateRequest({ Image: 'x', name: 'web', platform: 'linux/amd64' }).config).toEqual({ Image: 'x' }); // dockerode's way
});

test('endpoint settings keep aliases, address and MAC, and forget what an engine filled in', () => {
  const endpoint = { Aliases: ['db'], IPAMConfig: { IPv4Address: '172.17.0.9' }, MacAddress: '02:00:00:00:00:01', NetworkID: 'abc', Links: null };
  expect(readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { default: endpoint } } }).networks).toEqual({ bridge: { aliases: ['db'], address: '172.17.0.9', mac: '02:00:00:00:00:01' } });
  expect(() => readCreateRequest({ Image: 'x', NetworkingConfig: { EndpointsConfig: { bridge: { Links: ['a'] } } } })).toThrow('EndpointsConfig.bridge.Links');
});

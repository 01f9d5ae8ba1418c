import { expect, test } from 'vitest';
import { checkLog, isReadable, logDetails, logOf } from './log-options.js';
import type { Logged } from './log-tag.js';

const logged = (Type: string, Config: Record<string, string> = {}): Logged => ({ id: 'ab12'.padEnd(64, '0'), name: 'web', createdAt: '', path: 'sh', args: [], imageId: `sha256:${'c'.repeat(64)}`, imageRef: 'busybox', config: { Labels: { tier: 'a b', other: 'x', toString: 'y', 'my.tier-x': 'z' }, Env: ['KEY=v=1&2', 'HOME=/', 'UNSET', '_ENV=b'] }, hostConfig: { LogConfig: { Type, Config } } });
const log = (Type: string, Config: Record<string, string> = {}) => logOf(logged(Type, Config));

test('sizes are read as dockerd reads them, and each driver has its own defaults', () => {
  expect(log('')).toEqual({ driver: 'json-file', maxBytes: 0, maxFiles: 1, compress: false });
  expect(log('json-file', { mode: 'non-blocking', 'max-buffer-size': '1m', compress: 'false' })).toEqual({ driver: 'json-file', maxBytes: 0, maxFiles: 1, compress: false });
  expect(log('json-file', { 'max-size': '1m', 'max-file': '3', compress: 'T' })).toEqual({ driver: 'json-file', maxBytes: 2 ** 20, maxFiles: 3, compress: true });
  expect(log('local')).toEqual({ driver: 'local', maxBytes: 20 * 2 ** 20, maxFiles: 5, compress: true });
  expect(log('local', { 'max-file': '0', compress: 'false' })).toEqual({ driver: 'local', maxBytes: 20 * 2 ** 20, maxFiles: 1, compress: false });
  expect(['1', '2k', '3KB', '1.5m', '1GiB', '-1'].map((size) => log('json-file', { 'max-size': size }).maxBytes)).toEqual([1, 2048, 3072, 1.5 * 2 ** 20, 2 ** 30, 0]);
});

test.each([
  ['json-file', { bogus: '1' }, "unknown log opt 'bogus' for json-file log driver"],
  ['local', { labels: 'x' }, "unknown log opt 'labels' for log driver local"],
  ['local', { 'max-size': '-1' }, "invalid value for max-size: -1: invalid size: '-1'"],
  ['json-file', { 'max-size': 'much' }, "invalid size: 'much'"],
  ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
  ['json-file', { 'max-file': 'x' }, 'failed to create task for container: failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax'],
  ['local', { 'max-file': 'x' }, 'failed to create task for container: failed to initialize logging driver: invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax'],
  ['json-file', { compress: 'x' }, 'failed to create task for container: failed to initialize logging driver: strconv.ParseBool: parsing "x": invalid syntax'],
  ['local', { compress: 'x' }, 'failed to create task for container: failed to initialize logging driver: error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
  ['local', { 'max-file': '-1' }, 'failed to create task for container: failed to initialize logging driver: max file count cannot be less than 0'],
  ['local', { 'max-file': '1' }, 'failed to create task for container: failed to initialize logging driver: compression cannot be enabled when max file count is 1'],
  ['json-file', { mode: 'x' }, 'logger: logging mode not supported: x'],
  ['json-file', { 'max-buffer-size': '1m' }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'x' }, "error parsing option max-buffer-size: invalid size: 'x'"],
  ['json-file', { compress: 'true' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  ['json-file', { compress: 'true', 'max-file': '2' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  ['json-file', { tag: '{{.ExtraInfo}}' }, 'failed to create task for container: failed to initialize logging driver: template: log-tag:1:2: executing "log-tag" at <.ExtraInfo>: can\'t evaluate field ExtraInfo in type *logger.Info'],
  ['json-file', { 'labels-regex': '(' }, 'invalid regular expression'],
  ['json-file', { 'env-regex': `(?i)${'[B-\u{1e942}]'.repeat(17)}` }, 'has too large classes'],
  ['gelf', {}, 'error looking up logging plugin gelf: plugin "gelf" not found'],
  ['toString', {}, 'error looking up logging plugin toString: plugin "toString" not found'],
  ['syslog', { bogus: '1' }, "unknown log opt 'bogus' for syslog log driver"],
  ['syslog', { 'max-size': '1m' }, "unknown log opt 'max-size' for syslog log driver"],
  ['journald', { 'syslog-address': 'udp://x' }, "unknown log opt 'syslog-address' for journald log driver"],
  ['syslog', { 'syslog-address': 'foo://x' }, 'syslog-address should be in form proto://address, got foo://x'],
  ['syslog', { 'syslog-address': 'bogus' }, 'syslog-address should be in form proto://address, got bogus'],
  ['syslog', { 'syslog-address': 'udp://127.0.0.1:1:2' }, 'address 127.0.0.1:1:2: too many colons in address'],
  ['syslog', { 'syslog-address': 'tcp://host:abc' }, 'address host:abc: invalid port'],
  ['syslog', { 'syslog-address': 'udp://host:65536' }, 'address host:65536: invalid port'],
  ['syslog', { 'syslog-facility': 'zzz' }, 'invalid syslog facility'],
  ['syslog', { 'syslog-facility': '24' }, 'invalid syslog facility'],
  ['syslog', { 'syslog-format': 'toString' }, 'Invalid syslog format'],
  ['syslog', { 'cache-disabled': 'x' }, 'invalid value for option cache-disabled: x'],
  ['syslog', { 'cache-max-size': 'x' }, "failed to create task for container: failed to initialize logging driver: invalid value for max-size: x: invalid size: 'x'"],
  ['journald', { tag: '{{.Foo}}' }, 'at <.Foo>: can\'t evaluate field Foo'],
])('%s with %j is refused', (type, options, says) => expect(() => log(type, options)).toThrow(says));

test('of no log nothing is looked at', () => expect(() => checkLog(logged('none', { mode: 'x' }).hostConfig)).not.toThrow());

test.each([['json-file', { 'max-size': 'x' }], ['local', { 'max-file': 'x' }], ['json-file', { tag: '{{.Foo}}' }], ['json-file', { 'labels-regex': '(' }]])('%s with %j is refused at a start alone, as dockerd does', (type, options) => {
  expect(() => checkLog(logged(type, options).hostConfig)).not.toThrow();
  expect(() => log(type, options)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringMatching(/^failed to create task for container: failed to initialize logging driver: /) as string }) as Error);
});

test('details are the labels, variables and tag that were asked for, sorted and escaped', () => {
  const details = (Config: Record<string, string>): string => logDetails(logged('', Config));
  expect(details({})).toBe('');
  expect(details({ labels: 'tier,none', env: 'KEY,UNSET' })).toBe('KEY=v%3D1%262,tier=a+b');
  expect(details({ 'labels-regex': '^t', 'env-regex': 'HO' })).toBe('HOME=%2F,tier=a+b,toString=y');
  expect(details({ tag: '{{.ImageName}}/{{.Name}}/{{.ID}}' })).toBe('tag=busybox%2Fweb%2Fab1200000000');
  expect(details({ tag: '{{ .ImageID }}' })).toBe('tag=sha256%3Accccc');
});

test('what a syslog is sent has the container\'s own tag, and Docker\'s defaults', () => {
  const receiver = (options: Record<string, string> = {}) => log('syslog', options).receiver;
  expect(log('syslog')).toEqual({ driver: 'syslog', maxBytes: 20 * 2 ** 20, maxFiles: 5, compress: true, receiver: { type: 'syslog', address: '', facility: 3, format: 'local', tag: 'ab1200000000', tls: { skipVerify: false } } });
  expect(receiver({ tag: '{{.Name}}/{{.DaemonName}}', 'syslog-facility': 'local3', 'syslog-format': 'rfc5424micro', 'syslog-address': 'tcp+tls://host', 'syslog-tls-ca-cert': '/ca', 'syslog-tls-skip-verify': 'false' })).toEqual({
    type: 'syslog', address: 'tcp+tls://host:514', facility: 19, format: 'rfc5424micro', tag: 'web/docker', tls: { ca: '/ca', skipVerify: true },
  });
  const addresses = ['udp://h:1', 'tcp://[::1]', 'tcp://[::1]:2', 'unix:///run/log', 'unixgram:///dev/log'];
  expect(addresses.map((address) => receiver({ 'syslog-address': address })).map((one) => (one?.type === 'syslog' ? one.address : ''))).toEqual(['udp://h:1', 'tcp://[::1]:514', 'tcp://[::1]:2', 'unix:///run/log', 'unixgram:///dev/log']);
});

test('a journal is told which container it is, and what was asked for of its labels and variables', () => {
  expect(log('journald', { labels: 'my.tier-x', env: '_ENV', tag: '{{.Name}}' }).receiver).toEqual({
    type: 'journald',
    fields: { CONTAINER_ID: 'ab1200000000', CONTAINER_ID_FULL: 'ab12'.padEnd(64, '0'), CONTAINER_NAME: 'web', CONTAINER_TAG: 'web', IMAGE_NAME: 'busybox', SYSLOG_IDENTIFIER: 'web', MY_TIER_X: 'z', ENV: 'b' },
  });
});

test('what is sent elsewhere is kept, too, as the options of the cache say, and read unless they say not', () => {
  expect(log('journald', { 'cache-max-size': '1m', 'cache-max-file': '1', 'cache-compress': 'false' })).toMatchObject({ maxBytes: 2 ** 20, maxFiles: 1, compress: false });
  const readable = (Type: string, Config: Record<string, string> = {}): boolean => isReadable({ LogConfig: { Type, Config } });
  expect([readable(''), readable('none'), readable('syslog'), readable('syslog', { 'cache-disabled': 'true' }), readable('json-file', { 'cache-disabled': 'true' })]).toEqual([true, false, true, false, true]);
});

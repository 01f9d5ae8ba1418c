import { expect, test } from 'vitest';
import { logDetails, logOf } from './log-options.js';

const log = (Type: string, Config: Record<string, string> = {}) => logOf({ LogConfig: { Type, Config } });

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
  ['json-file', { 'max-file': 'x' }, 'failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax'],
  ['local', { 'max-file': 'x' }, 'failed to initialize logging driver: invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax'],
  ['json-file', { compress: 'x' }, 'failed to initialize logging driver: strconv.ParseBool: parsing "x": invalid syntax'],
  ['local', { compress: 'x' }, 'failed to initialize logging driver: error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
  ['local', { 'max-file': '-1' }, 'failed to initialize logging driver: max file count cannot be less than 0'],
  ['local', { 'max-file': '1' }, 'failed to initialize logging driver: compression cannot be enabled when max file count is 1'],
  ['json-file', { mode: 'x' }, 'logger: logging mode not supported: x'],
  ['json-file', { 'max-buffer-size': '1m' }, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"],
  ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'x' }, "error parsing option max-buffer-size: invalid size: 'x'"],
  ['json-file', { compress: 'true' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  ['json-file', { compress: 'true', 'max-file': '2' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  ['json-file', { tag: '{{.ExtraInfo}}' }, 'invalid log tag'],
  ['json-file', { 'labels-regex': '(' }, 'invalid regular expression'],
  ['syslog', {}, "logger: no log driver named 'syslog' is registered"],
])('%s with %j is refused', (type, options, says) => expect(() => log(type, options)).toThrow(says));

test('details are the labels, variables and tag that were asked for, sorted and escaped', () => {
  const details = (Config: Record<string, string>): string =>
    logDetails({ id: 'ab12'.padEnd(64, '0'), name: 'web', imageId: `sha256:${'c'.repeat(64)}`, imageRef: 'busybox', config: { Labels: { tier: 'a b', other: 'x', toString: 'y' }, Env: ['KEY=v=1&2', 'HOME=/', 'UNSET'] }, hostConfig: { LogConfig: { Config } } });
  expect(details({})).toBe('');
  expect(details({ labels: 'tier,none', env: 'KEY,UNSET' })).toBe('KEY=v%3D1%262,tier=a+b');
  expect(details({ 'labels-regex': '^t', 'env-regex': 'HO' })).toBe('HOME=%2F,tier=a+b,toString=y');
  expect(details({ tag: '{{.ImageName}}/{{.Name}}/{{.ID}}' })).toBe('tag=busybox%2Fweb%2Fab1200000000');
});

import { expect, test } from 'vitest';
import { proxyFor, proxyWarnings, readProxies, withoutPassword } from './proxies.js';

const asked = (url: string, env: Readonly<Record<string, string>>): string | undefined => proxyFor(new URL(url), readProxies(env))?.href;

test('the variable of the scheme tells the proxy, in capitals first', () => {
  const env = { HTTP_PROXY: 'http://one:3128', https_proxy: 'two:3128', HTTPS_PROXY: '' };
  expect(asked('http://registry.example/', env)).toBe('http://one:3128/');
  expect(asked('https://registry.example/', env)).toBe('http://two:3128/');
  expect(asked('https://registry.example/', { HTTP_PROXY: 'http://one:3128' })).toBeUndefined();
  expect(asked('http://registry.example/', { HTTP_PROXY: 'http://one:1', http_proxy: 'http://other:1' })).toBe('http://one:1/');
  expect(() => asked('http://registry.example/', { HTTP_PROXY: 'socks5://me:secret@one:1080' })).toThrow('HTTP_PROXY=socks5://xxxxx:xxxxx@one:1080: no URL of a proxy');
});

test('the machine itself is never asked by a proxy', () => {
  for (const host of ['localhost:5000', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000']) expect(asked(`http://${host}/v2/`, { HTTP_PROXY: 'http://one' })).toBeUndefined();
});

test('nor is who NO_PROXY names: hosts and what is below them, ports, addresses, ranges', () => {
  const by = (host: string, without: string): boolean => asked(`https://${host}/`, { HTTPS_PROXY: 'http://one', NO_PROXY: without }) !== undefined;
  for (const [host, without] of [
    ['registry.example', '*'],
    ['registry.example', 'other, registry.example'],
    ['eu.registry.example', 'REGISTRY.example'],
    ['eu.registry.example', '.registry.example'],
    ['eu.registry.example', '*.registry.example'],
    ['registry.example:5000', 'registry.example:5000'],
    ['registry.example', 'registry.example:443'],
    ['10.1.2.3:5000', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3'],
    ['[fd00::5]:5000', 'fd00::/8'],
    ['[fd00::5]:5000', '[fd00::5]:5000'],
    ['[fd00::5]', 'fd00::5'],
  ] as const) expect(by(host, without), `${host} without ${without}`).toBe(false);
  for (const [host, without] of [
    ['registry.example', ''],
    ['registry.example', ',,:5000,/8'],
    ['registry.example', '.registry.example'],
    ['myregistry.example', 'registry.example'],
    ['registry.example', 'registry.example:5000'],
    ['11.1.2.3', '10.0.0.0/8,fd00::/8,10.0.0.0/99'],
    ['210.1.2.3', '10.1.2.3'],
  ] as const) expect(by(host, without), `${host} without ${without}`).toBe(true);
});

test('a proxy that cannot be asked is told before anybody is asked, and one that is not heard of, too', () => {
  for (const name of ['HTTP_PROXY', 'https_proxy']) {
    expect(proxyWarnings({ [name]: 'socks5://one:1080', NO_PROXY: '*' })).toEqual([expect.stringContaining(`${name.toUpperCase()}=socks5://one:1080: no URL of a proxy`)]);
    expect(proxyWarnings({ [name]: 'one:3128' })).toEqual([]);
  }
  expect(proxyWarnings({ all_proxy: 'socks5://one:1080' })).toEqual([expect.stringMatching(/^all_proxy does not count/)]);
  expect([proxyWarnings({}), proxyWarnings({ ALL_PROXY: '' })]).toEqual([[], []]);
});

test('a password is not shown', () => {
  expect(withoutPassword('http://me:secret@one:3128/')).toBe('http://xxxxx:xxxxx@one:3128/');
  expect(withoutPassword('me:se@cret@one:3128')).toBe('xxxxx:xxxxx@one:3128');
  expect(withoutPassword('http://one:3128/a@b')).toBe('http://one:3128/a@b');
});

import { describe, expect, test } from 'vitest';
import { readTcpSettings } from './tcp-settings.js';

const tls = { BERTH_TLS_CA: '/ca', BERTH_TLS_CERT: '/cert', BERTH_TLS_KEY: '/key' };

test('without an address there is no TCP', () => expect(readTcpSettings(tls)).toBeUndefined());
test('with certificates any address', () => expect(readTcpSettings({ BERTH_TCP: '0.0.0.0:2376', ...tls })).toEqual({ host: '0.0.0.0', port: 2376, tls: { ca: '/ca', cert: '/cert', key: '/key' } }));
test.each(['127.0.0.1:2375', '127.8.9.1:2375', '[::1]:2375'])('without TLS loopback, asked for by name: %s', (address) => expect(readTcpSettings({ BERTH_TCP: address, BERTH_TCP_PLAIN: 'loopback' })?.tls).toBeUndefined());

describe('refused', () => {
  test.each([
    [{ BERTH_TCP: '0.0.0.0:2375' }, 'without TLS'],
    [{ BERTH_TCP: '127.0.0.1:2375' }, 'without TLS'],
    [{ BERTH_TCP: '0.0.0.0:2375', BERTH_TCP_PLAIN: 'loopback' }, 'not loopback'],
    [{ BERTH_TCP: '[::]:2375', BERTH_TCP_PLAIN: 'loopback' }, 'not loopback'],
    [{ BERTH_TCP: '[::ffff:10.0.0.1]:2375', BERTH_TCP_PLAIN: 'loopback' }, 'not loopback'],
    [{ BERTH_TCP: '127.0.0.1:2375', BERTH_TCP_PLAIN: 'yes' }, 'only be "loopback"'],
    [{ BERTH_TCP: '0.0.0.0:2376', ...tls, BERTH_TLS_CA: '' }, 'BERTH_TLS_CA is missing'],
    [{ BERTH_TCP: '0.0.0.0:2376', ...tls, BERTH_TLS_KEY: 'key.pem' }, 'BERTH_TLS_KEY=key.pem: an absolute path'],
    [{ BERTH_TCP: '0.0.0.0:2376', ...tls, BERTH_TCP_PLAIN: 'loopback' }, 'one of both'],
    [{ BERTH_TCP: 'localhost:2376', ...tls }, 'an IP address'],
    [{ BERTH_TCP: '0.0.0.0:0', ...tls }, 'an IP address'],
    [{ BERTH_TCP: '0.0.0.0:65536', ...tls }, 'an IP address'],
    [{ BERTH_TCP: '1.2.3:2376', ...tls }, 'an IP address'],
  ])('%j', (env, why) => expect(() => readTcpSettings(env)).toThrow(why));
});

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SyslogReceiver } from '#contracts/executor/tasks.js';
import { CertificateAuthority } from '../../../../test/fixtures/certificates.js';
import { datagramServer } from '../../../../test/fixtures/datagram-server.js';
import { LineServer } from '../../../../test/fixtures/line-server.js';
import { wayTo } from './way-to-receiver.js';

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'berth-receivers-'))));
afterAll(() => rmSync(directory, { recursive: true }));

const syslog = (address: string, tls: SyslogReceiver['tls'] = { skipVerify: false }): SyslogReceiver => ({ type: 'syslog', address, facility: 3, format: 'rfc5424', tag: 'web', tls });
async function say(receiver: SyslogReceiver, ...logs: string[]): Promise<void> {
  const { outlet, message } = wayTo(receiver);
  using way = outlet;
  await way.connect();
  for (const log of logs) await way.send(message({ log: `${log}\n`, stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' }) ?? Buffer.alloc(0));
}

test('TCP and unix streams take lines', async () => {
  for (const at of [0, join(directory, 'stream')]) {
    const server = await LineServer.listen(at);
    await say(syslog(at === 0 ? `tcp://127.0.0.1:${server.port}` : `unix://${at}`), 'one', 'two');
    await expect.poll(() => server.lines.map((line) => line.slice(-3))).toEqual(['one', 'two']);
    await server.close();
  }
});

test('TLS is verified unless it was asked not to be', async () => {
  const authority = new CertificateAuthority(directory, 'test');
  const { cert, key } = authority.certify('server', { commonName: 'syslog' });
  const server = await LineServer.listen(0, { cert: readFileSync(cert), key: readFileSync(key) });
  const address = `tcp+tls://127.0.0.1:${server.port}`;
  await expect(say(syslog(address), 'no')).rejects.toThrow(/^dial tcp 127.0.0.1:\d+: .*certificate/);
  await expect(say(syslog(address, { ca: '/nowhere', skipVerify: false }), 'no')).rejects.toThrow('could not read CA certificate "/nowhere"');
  await say(syslog(address, { ca: authority.cert, skipVerify: false }), 'one');
  await say(syslog(address, { skipVerify: true }), 'two');
  await expect.poll(() => server.lines.map((line) => line.slice(-3))).toEqual(['one', 'two']);
  expect(server.lines[0]).toMatch(/^\d+ <30>1 /);
  await server.close();
});

test('UDP is sent whether somebody listens or not', async () => {
  const server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const came = once(server, 'message');
  await say(syslog(`udp://127.0.0.1:${port}`), 'one');
  expect(String((await came)[0])).toMatch(/^<30>1 .* one\n$/);
  server.close();
  await once(server, 'close');
  await say(syslog(`udp://127.0.0.1:${port}`), 'lost', 'lost', 'lost');
});

test('a datagram socket takes each message as one', async () => {
  const server = await datagramServer(join(directory, 'datagrams'));
  await say(syslog(`unixgram://${server.path}`), 'one', 'two');
  await expect.poll(() => server.messages.map((message) => message.slice(-4))).toEqual(['one\n', 'two\n']);
  await server.stop();
});

test.each([
  ['tcp://127.0.0.1:1', 'dial tcp 127.0.0.1:1: connect: connection refused'],
  ['unix:///nowhere', 'dial unix /nowhere: connect: no such file or directory'],
  ['unixgram:///nowhere', 'dial unixgram /nowhere: connect: no such file or directory'],
  [`unixgram:///${'x'.repeat(200)}`, 'ENAMETOOLONG'],
])('of %s is told, in Go\'s words, that nobody is there', async (address, says) => expect(say(syslog(address))).rejects.toThrow(says));

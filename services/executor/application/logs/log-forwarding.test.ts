import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CertificateAuthority } from '../../../../test/fixtures/certificates.js';
import { LineServer } from '../../../../test/fixtures/line-server.js';
import { ContainerFiles } from '../../adapters/host/container-files.js';
import type { Trash } from '../../adapters/host/trash.js';
import { LogForwarding } from './log-forwarding.js';

const container = 'c'.repeat(64);
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'berth-forwarding-'))));
afterEach(() => rmSync(directory, { recursive: true }));

test('what an executor finds is sent as soon as its certificates are there, though they were not when it began', async () => {
  const authority = new CertificateAuthority(directory, 'test');
  const { cert, key } = authority.certify('server', { commonName: 'syslog' });
  const server = await LineServer.listen(0, { cert: readFileSync(cert), key: readFileSync(key) });
  const files = new ContainerFiles(directory, {} as Trash, { take: () => false });
  mkdirSync(files.directory(container), { recursive: true });
  files.keepLog(container, { driver: 'syslog', maxBytes: 0, maxFiles: 1, compress: false, receiver: { type: 'syslog', address: `tcp+tls://127.0.0.1:${server.port}`, facility: 3, format: 'rfc5424', tag: 'web', tls: { ca: authority.cert, skipVerify: false } } });
  writeFileSync(files.log(container), `${JSON.stringify({ log: 'one\n', stream: 'stdout', time: '2026-01-01T00:00:00.000000000Z' })}\n`);

  renameSync(authority.cert, `${authority.cert}.away`);
  const troubles: unknown[] = [];
  const forwarding = new LogForwarding(files, (error) => troubles.push(error));
  await forwarding.adopt([]);
  expect(troubles).toEqual([expect.objectContaining({ message: expect.stringContaining('could not read CA certificate') as string })]);
  renameSync(`${authority.cert}.away`, authority.cert);
  await expect.poll(() => server.lines.length, { timeout: 5_000 }).toBe(1);
  expect(server.lines[0]).toMatch(/one$/);
  await forwarding.stop();
  await server.close();
});

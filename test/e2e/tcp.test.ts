import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority, type Certified } from '../fixtures/certificates.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { freePort } from '../engine/private-addresses.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync('/var/tmp/berth-tcp-');
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The CLI against an address, with nothing but what is given. */
function docker(address: string, args: readonly string[], tls?: { readonly ca: string } & Partial<Certified>, input = ''): Promise<CliResult> {
  const flags = tls === undefined ? [] : ['--tlsverify', '--tlscacert', tls.ca, ...(tls.cert === undefined || tls.key === undefined ? [] : ['--tlscert', tls.cert, '--tlskey', tls.key])];
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, DOCKER_CERT_PATH: '/nonexistent' };
  return new Promise((resolve) => {
    execFile(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['-H', address, ...flags, ...args], { env }, (error, stdout, stderr) => resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? 255) })).stdin?.end(input);
  });
}

describe('TCP with certificates', () => {
  let engine: TestEngine;
  let address: string;
  let port: number;
  let ours: CertificateAuthority;
  let theirs: CertificateAuthority;
  const clients = new Map<string, Certified>();
  const as = (client: string, args: readonly string[], input?: string): Promise<CliResult> => docker(address, args, { ca: ours.cert, ...clients.get(client) }, input);

  beforeAll(async () => {
    ours = new CertificateAuthority(folder, 'ours');
    theirs = new CertificateAuthority(folder, 'theirs');
    const server = ours.certify('server', { commonName: 'server' });
    clients.set('alice', ours.certify('alice', { commonName: 'alice' }));
    clients.set('bob', ours.certify('bob', { commonName: 'bob', units: ['audit', 'web'] }));
    clients.set('mallory', theirs.certify('mallory', { commonName: 'alice' }));
    const policy = join(folder, 'policy.json');
    writeFileSync(policy, JSON.stringify({ grants: [{ to: { uid: 0 }, role: 'admin' }, { to: { commonName: 'alice' }, role: 'admin' }, { to: { organisationalUnit: 'web' }, role: 'reader' }] }));
    port = await freePort();
    address = `tcp://127.0.0.1:${port}`;
    copyFileSync(ours.cert, join(folder, 'ca.pem'));
    engine = await startEngine({ BERTH_TCP: `127.0.0.1:${port}`, BERTH_TLS_CA: join(folder, 'ca.pem'), BERTH_TLS_CERT: server.cert, BERTH_TLS_KEY: server.key, BERTH_POLICY: policy });
    await engine.loadBusybox();
  });
  afterAll(() => engine.stop());

  test('who has a certificate runs containers, its terminal and input too', async () => {
    expect(await as('alice', ['run', '--rm', '-i', '--network', 'none', 'busybox', 'cat'], 'hello')).toMatchObject({ code: 0, stdout: 'hello' });
    expect(await as('alice', ['run', '-d', '--name', 'web', '--network', 'none', 'busybox', 'sleep', '1000'])).toMatchObject({ code: 0 });
    expect(await as('alice', ['exec', '-i', 'web', 'wc', '-c'], 'x'.repeat(300_000))).toMatchObject({ code: 0, stdout: '300000\n' });
    const history = JSON.parse((await engineGet('/berth/history/web')).text) as { readonly event: string; readonly actor: string }[];
    expect(history.find(({ event }) => event === 'ContainerCreated')?.actor).toBe('cn:alice');
  });

  test('roles go by common name and unit', async () => {
    expect(await as('bob', ['ps', '--format', '{{.Names}}'])).toMatchObject({ code: 0, stdout: 'web\n' });
    expect(await as('bob', ['rm', '-f', 'web'])).toMatchObject({ stderr: expect.stringContaining('cn:bob may not DELETE /containers/:id (web): it needs the role operator, and you are a reader') });
  });

  test('no certificate, or one of another authority, is nobody', async () => {
    expect((await docker(address, ['ps'], { ca: ours.cert })).code).not.toBe(0);
    expect((await as('mallory', ['ps'])).code).not.toBe(0);
    expect((await docker(address, ['ps'])).stderr).toMatch(/HTTPS server|malformed|EOF|reset/);
    await expect(plainGet(port)).rejects.toThrow();
  });

  test('an older protocol is not spoken', async () => {
    const { cert = '', key = '' } = clients.get('alice') ?? {};
    const error = await new Promise<Error | undefined>((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: readFileSync(ours.cert), cert: readFileSync(cert), key: readFileSync(key), maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, () => resolve(undefined));
      socket.on('error', resolve).on('secureConnect', () => socket.destroy());
    });
    expect(error).toBeDefined();
  });

  test('SIGHUP reads the authority again', async () => {
    copyFileSync(theirs.cert, join(folder, 'ca.pem'));
    process.kill(engine.pid('supervisor') ?? 0, 'SIGHUP');
    await expect.poll(() => readFileSync(join(engine.settings.dataRoot, 'logs/engine.log'), 'utf8'), { timeout: 10_000 }).toContain('read again: certificates');
    expect((await as('alice', ['ps'])).code).not.toBe(0);
    expect(await as('mallory', ['ps'])).toMatchObject({ code: 0 });
  });

  const engineGet = (path: string): Promise<{ readonly text: string }> => import('../engine/http.js').then(({ http }) => http(engine.socket, 'GET', path));
});

/** GET /_ping without TLS; `headers` as a browser might send them. */
function plainGet(port: number, headers: Readonly<Record<string, string>> = {}, method = 'GET', path = '/_ping'): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

describe('TCP on loopback without certificates, asked for by name', () => {
  let engine: TestEngine;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    engine = await startEngine({ BERTH_TCP: `127.0.0.1:${port}`, BERTH_TCP_PLAIN: 'loopback' });
  });
  afterAll(() => engine.stop());

  test('serves the CLI', async () => expect(await docker(`tcp://127.0.0.1:${port}`, ['version', '--format', '{{.Server.Platform.Name}}'])).toMatchObject({ code: 0, stdout: 'Berth\n' }));
  test.each([{ Origin: 'http://evil.example' }, { Origin: 'null' }, { Host: 'evil.example' }, { Host: '127.0.0.1.evil.example:2375' }, { 'Sec-Fetch-Site': 'cross-site' }])('and no web page: %j', async (headers) => {
    expect(await plainGet(port, headers, 'POST', '/containers/prune')).toBe(403);
  });
  test('by whatever name of loopback', async () => {
    for (const Host of [`127.0.0.1:${port}`, `localhost:${port}`, '[::1]:80']) expect(await plainGet(port, { Host })).toBe(200);
  });
});

test('without TLS no other address is listened on: the engine says why', async () => {
  mkdirSync(join(folder, 'none'), { recursive: true });
  await expect(startEngine({ BERTH_TCP: '0.0.0.0:2375' })).rejects.toThrow(/without TLS would give this machine/);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
let library: typeof import('testcontainers');

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  // What Testcontainers reads as it is loaded. Its reaper is an image of its own, which is not here: each test ends what it started.
  for (const [name, value] of Object.entries({ DOCKER_HOST: `unix://${engine.socket}`, HOME: engine.settings.dataRoot, TESTCONTAINERS_RYUK_DISABLED: 'true' })) vi.stubEnv(name, value);
  library = await import('testcontainers');
}, patience(120_000));

afterAll(async () => {
  vi.unstubAllEnvs(); // for the files that this process runs next
  await engine?.stop();
}, patience(60_000));

const container = () => new library.GenericContainer('busybox:latest');
const SERVER = ['sh', '-c', 'echo hello > /tmp/index.html; echo ready to serve; exec httpd -f -p 80 -h /tmp'];

test('a server is waited for by its ports, and answers at the mapped one', async () => {
  await using server = await container().withCommand(SERVER).withExposedPorts(80).start();
  expect(await (await fetch(`http://${server.getHost()}:${server.getMappedPort(80)}/`)).text()).toBe('hello\n');
  expect(server.getIpAddress('bridge')).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
});

test('each wait strategy ends when what it waits for is true', async () => {
  const { Wait } = library;
  const strategies = {
    log: Wait.forLogMessage(/ready to serve/),
    http: Wait.forHttp('/index.html', 80).forStatusCode(200),
    command: Wait.forSuccessfulCommand('test -e /tmp/index.html'),
    health: Wait.forHealthCheck(),
    all: Wait.forAll([Wait.forListeningPorts(), Wait.forLogMessage('ready to serve', 1)]),
  };
  for (const strategy of Object.values(strategies)) {
    await using server = await container().withCommand(SERVER).withExposedPorts(80).withHealthCheck({ test: ['CMD-SHELL', 'wget -qO- http://127.0.0.1/'], interval: 100, timeout: 5_000, retries: 20 }).withWaitStrategy(strategy).start();
    expect(server.getId()).toMatch(/^[0-9a-f]{64}$/);
  }
  await using once = await container().withCommand(['true']).withWaitStrategy(Wait.forOneShotStartup()).start();
  expect(once.getName()).not.toBe('');
});

test('what never becomes ready fails with its log, and is removed', async () => {
  await expect(container().withCommand(['sh', '-c', 'echo no; sleep 60']).withWaitStrategy(library.Wait.forLogMessage('yes')).withStartupTimeout(500).start()).rejects.toThrow('Log message "yes" not received after 500ms');
  await expect(container().withCommand(['sh', '-c', 'exit 3']).withWaitStrategy(library.Wait.forOneShotStartup()).start()).rejects.toThrow('Container failed to start');
  expect((await engine.docker(['ps', '-aq'])).stdout).toBe('');
});

test('files are copied in before and after the start, and out; commands are executed', async () => {
  const folder = mkdtempSync('/var/tmp/berth-testcontainers-');
  writeFileSync(join(folder, 'map'), 'X\n');
  await using running = await container()
    .withCommand(['sh', '-c', 'cat /etc/given; sleep 60'])
    .withCopyContentToContainer([{ content: 'given\n', target: '/etc/given', mode: 0o640 }])
    .withCopyFilesToContainer([{ source: join(folder, 'map'), target: '/charts/map' }])
    .withCopyDirectoriesToContainer([{ source: folder, target: '/folder' }])
    .withWaitStrategy(library.Wait.forLogMessage('given'))
    .start();
  expect(await running.exec(['cat', '/charts/map', '/folder/map'])).toMatchObject({ output: 'X\nX\n', exitCode: 0 });
  await running.copyContentToContainer([{ content: 'later', target: '/tmp/later' }]);
  const script = 'cat /tmp/later; echo " $WHO $(pwd) $(id -u)"; exit 6';
  expect(await running.exec(['sh', '-c', script], { env: { WHO: 'me' }, workingDir: '/etc', user: 'nobody' })).toMatchObject({ output: 'later me /etc 65534\n', exitCode: 6 });
  expect(await text(await running.copyArchiveFromContainer('/etc/given'))).toContain('given\n');
  expect(await running.exec(['no-such'])).toMatchObject({ exitCode: 127 });
  rmSync(folder, { recursive: true });
});

test('options arrive, logs stream, and a stopped container starts again', async () => {
  const said: string[] = [];
  const running = await container()
    .withName('harbour')
    .withHostname('quay')
    .withEnvironment({ CARGO: 'tea' })
    .withLabels({ tier: 'test' })
    .withTmpFs({ '/scratch': 'rw,size=1m' })
    .withUlimits({ nofile: { soft: 99, hard: 100 } })
    .withExtraHosts([{ host: 'lighthouse', ipAddress: '192.0.2.7' }])
    .withResourcesQuota({ memory: 0.1, cpu: 1 })
    .withDroppedCapabilities('CHOWN')
    .withUser('daemon')
    .withWorkingDir('/tmp')
    .withCommand(['sh', '-c', 'hostname; echo $CARGO; ulimit -n; id -un; pwd; echo up; while :; do sleep 0.05; done'])
    .withLogConsumer((stream) => stream.on('data', (line) => said.push(String(line).trim())))
    .withWaitStrategy(library.Wait.forLogMessage('up'))
    .start();
  await expect.poll(() => said.join(' '), { timeout: patience(5_000) }).toBe('quay tea 99 daemon /tmp up');
  expect([running.getName(), running.getHostname(), running.getLabels()['tier']]).toEqual(['/harbour', 'quay', 'test']);
  await running.restart({ timeout: 100 });
  const stopped = await running.stop({ remove: false, timeout: 100 });
  expect((await engine.docker(['inspect', '--format', '{{.State.Status}}', stopped.getId()])).stdout).toBe('exited\n');
  expect(await text(await stopped.copyArchiveFromContainer('/etc/passwd'))).toContain('root:x:0:0');
  await engine.docker(['rm', stopped.getId()]);
}, patience(30_000));

test('a container that is reused is found again by its label', async () => {
  const make = () => container().withCommand(['sleep', '60']).withLabels({ reused: 'yes' }).withReuse().start();
  process.env['TESTCONTAINERS_REUSE_ENABLE'] = 'true';
  const [first, second] = [await make(), await make()];
  expect(second.getId()).toBe(first.getId());
  await first.stop();
});

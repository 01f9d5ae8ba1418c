import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { BUS_USERS, permissionsOf } from '#libs/messaging/permissions.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

/** A list of some fifty containers is longer. */
const MOST_BYTES = 32 * 1024;

let server: TestNatsServer;
let engine: TestEngine;
beforeAll(async () => {
  // What an administrator gives: users with their rights on the server, and a file with the password of each.
  const users = BUS_USERS.map((user) => ({ user, password: `password of ${user}`, permissions: permissionsOf(user) }));
  server = await TestNatsServer.start({ configuration: `max_payload: ${MOST_BYTES}\nauthorization: ${JSON.stringify({ users })}` });
  const dataRoot = mkdtempSync('/var/tmp/berth-test-');
  mkdirSync(join(dataRoot, 'secrets'));
  for (const { user, password } of users) writeFileSync(join(dataRoot, 'secrets', user), password, { mode: 0o644 });
  engine = await startEngine({ BERTH_NATS_URL: server.url, BERTH_DATA_ROOT: dataRoot });
  await engine.loadBusybox();
});
afterAll(async () => {
  await engine?.stop();
  await server?.stop();
});

test('an engine works on a NATS server that was there already, also after that was restarted', async () => {
  expect(engine.pid('nats')).toBeUndefined();
  expect(await engine.docker(['run', '--rm', 'busybox', 'echo', 'hello'])).toMatchObject({ code: 0, stdout: 'hello\n' });
  await engine.docker(['create', '--name', 'kept', 'busybox', 'true']);
  await server.kill();
  await server.run();
  // Its services come back to it one after the other.
  await expect.poll(async () => (await engine.docker(['start', '-a', 'kept'])).code, { timeout: 20_000 }).toBe(0);
  expect((await engine.docker(['rm', 'kept'])).code).toBe(0);
});

test('lists are whole that are longer than that server takes a message', async () => {
  const COUNT = 120;
  const numbers = Array.from({ length: COUNT }, (_, number) => number);
  for (const number of numbers) {
    expect(await http(engine.socket, 'POST', `/containers/create?name=listed-${number}`, { Image: 'busybox', Cmd: ['true'], Labels: { number: `${number}` } })).toMatchObject({ status: 201 });
    expect(await http(engine.socket, 'POST', '/volumes/create', { Name: `listed-${number}`, Labels: { filling: 'x'.repeat(200) } })).toMatchObject({ status: 201 });
  }
  const { stdout } = await engine.docker(['ps', '-a', '--no-trunc', '--format', '{{.Names}}']);
  expect(new Set(stdout.trim().split('\n'))).toEqual(new Set(numbers.map((number) => `listed-${number}`)));
  const listed = await http(engine.socket, 'GET', '/containers/json?all=1');
  expect(listed.text.length).toBeGreaterThan(2 * MOST_BYTES);
  const { Volumes } = JSON.parse((await http(engine.socket, 'GET', '/volumes')).text) as { Volumes: object[] };
  expect(Volumes).toHaveLength(COUNT);
  expect((await engine.docker(['system', 'df', '-v'])).code).toBe(0);
  expect((await engine.docker(['container', 'prune', '-f'])).code).toBe(0);
  expect((await engine.docker(['volume', 'prune', '-a', '-f'])).code).toBe(0);
}, patience(90_000));

test('it says that it cannot see whether that server syncs, in its log and where one asks whether all is well', async () => {
  const SAID = /whether the NATS server syncs each commit to its disk cannot be seen/;
  expect(readFileSync(join(engine.settings.dataRoot, 'logs/engine.log'), 'utf8')).toMatch(SAID);
  const ready = await fetch(`http://127.0.0.1:${engine.settings.metricsPort}/readyz/containers`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ services: { containers: { sync: expect.stringMatching(SAID) as unknown } } });
});

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { BUS_USERS, permissionsOf } from '#libs/messaging/permissions.js';
import { startEngine, type TestEngine } from './engine.js';

let server: TestNatsServer;
let engine: TestEngine;
beforeAll(async () => {
  // What an administrator gives: users with their rights on the server, and a file with the password of each.
  const users = BUS_USERS.map((user) => ({ user, password: `password of ${user}`, permissions: permissionsOf(user) }));
  server = await TestNatsServer.start({ configuration: `authorization: ${JSON.stringify({ users })}` });
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

test('it says that it cannot see whether that server syncs', () => {
  expect(readFileSync(join(engine.settings.dataRoot, 'logs/supervisor.log'), 'utf8')).toMatch(/whether the NATS server syncs each commit to its disk cannot be seen/);
});

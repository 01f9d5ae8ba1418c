import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Head, noHead } from '#libs/event-store/event.js';
import { connectEventStore } from '#libs/event-store/jetstream-event-store.js';
import { natsOptions } from '#libs/messaging/service.js';
import { readCredentials } from '#libs/settings/credentials.js';
import { differencesAtRest } from '../chaos/settled.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

const LABEL_BYTES = 2_000_000;
const REFUSED = /the log is full, nothing was changed: raise nats-server's limit, which is BERTH_LOG_LIMIT where the engine starts it, and start it again/;
const RESERVED = /\(what is left is for what stops and removes\)/;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ BERTH_LOG_LIMIT: '64MiB', BERTH_UNDO_SECONDS: '0' });
  await engine.loadBusybox();
}, patience(300_000));
afterAll(() => engine?.stop(), patience(180_000));

const docker = (...args: string[]) => engine.docker(args);
const shown = async (format: string, container: string): Promise<string> => (await docker('inspect', '--format', format, container)).stdout.trim();
const create = (name: string) => http(engine.socket, 'POST', `/containers/create?name=${name}`, { Image: 'busybox', Labels: { large: randomBytes(LABEL_BYTES / 2).toString('hex') } });

/** Containers with a label as large as a novel come and go until the log takes no more. */
async function fill(): Promise<void> {
  for (let count = 0; ; count++) {
    const { status, text } = await create(`filling-${count}`);
    if (status !== 201) return expect({ status, message: (JSON.parse(text) as { message: string }).message }).toEqual({ status: 503, message: expect.stringMatching(REFUSED) as string });
    await http(engine.socket, 'DELETE', `/containers/filling-${count}`);
  }
}

/** What is left of the log's reserve is used up: by the gateway's word, in records of prunes that are larger than it makes them. */
async function useUp(): Promise<void> {
  const store = await connectEventStore({ ...natsOptions(readCredentials(engine.settings, 'gateway')), source: 'gateway' });
  let head: Head = noHead;
  try {
    for (;;) {
      const large = { type: 'Pruned', kind: 'builder', removed: 0, reclaimedBytes: 0, at: new Date().toISOString(), large: randomBytes(LABEL_BYTES / 2).toString('hex') };
      const { position, hash } = await store.append('berth.event.prune.builder', head, [large], { actor: 'test', correlationId: 'c', causationId: 'd' });
      head = { sequence: position, hash };
    }
  } catch (error) {
    expect((error as Error).message).toMatch(REFUSED);
  } finally {
    await store.close();
  }
}

test('a log near BERTH_LOG_LIMIT refuses what begins, and takes stops, removals and exits from a reserve; when that is used up it refuses every change, also of an engine that starts on it, while containers run on; with a higher one it goes on, and tells what ended meanwhile', async () => {
  await docker('create', '--name', 'idle', 'busybox', 'true');
  for (const name of ['stopped', 'killed', 'removed']) await docker('run', '-d', '--name', name, '--label', name, 'busybox', 'sleep', '1000');
  await docker('volume', 'create', 'unused');
  await docker('run', '-d', '--name', 'exiting', 'busybox', 'sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; exit 9');
  const { Id: exec } = JSON.parse((await http(engine.socket, 'POST', '/containers/exiting/exec', { Cmd: ['sleep', '1000'] })).text) as { Id: string };
  await http(engine.socket, 'POST', `/exec/${exec}/start`, { Detach: true });
  await docker('run', '-d', '--name', 'busy', 'busybox', 'sh', '-c', 'while [ ! -e /say ]; do sleep 0.05; done; echo said; exec sleep 1000');
  await docker('run', '-d', '--name', 'ending', 'busybox', 'sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; exit 7');
  const root = async (container: string): Promise<string> => `/proc/${await shown('{{.State.Pid}}', container)}/root`;
  await fill();

  for (const args of [['run', 'busybox', 'true'], ['start', 'idle'], ['exec', 'busy', 'true'], ['volume', 'create', 'more'], ['tag', 'busybox', 'other']]) {
    expect({ args, stderr: (await docker(...args)).stderr }).toEqual({ args, stderr: expect.stringMatching(RESERVED) as string });
  }
  for (const args of [['stop', '-t', '0', 'stopped'], ['kill', 'killed'], ['rm', '-f', 'removed'], ['rm', 'stopped'], ['volume', 'rm', 'unused'], ['container', 'prune', '-f', '--filter', 'label=killed']]) {
    expect({ args, ...(await docker(...args)) }).toMatchObject({ args, code: 0, stderr: '' });
  }
  writeFileSync(`${await root('exiting')}/go`, '');
  expect(await docker('wait', 'exiting')).toMatchObject({ stdout: '9\n', code: 0 });
  expect(JSON.parse((await http(engine.socket, 'GET', `/exec/${exec}/json`)).text)).toMatchObject({ Running: false, ExitCode: 137 });
  await useUp();

  const refusesAll = async (): Promise<void> => {
    for (const args of [['run', 'busybox', 'true'], ['start', 'idle'], ['exec', 'busy', 'true'], ['stop', 'busy'], ['rm', 'idle'], ['volume', 'create', 'more'], ['tag', 'busybox', 'other']]) {
      const { code, stderr } = await docker(...args);
      expect({ args, code: code !== 0, stderr }).toEqual({ args, code: true, stderr: expect.stringMatching(REFUSED) as string });
    }
    expect(await shown('{{.State.Status}}', 'busy')).toBe('running');
    expect(await shown('{{.State.Status}}', 'idle')).toBe('created');
  };
  await refusesAll();
  const busy = await shown('{{.State.Pid}}', 'busy');
  writeFileSync(`${await root('ending')}/go`, '');

  await engine.down();
  await engine.up();
  await refusesAll();
  // What has ended is told when there is room, and what runs is heard all the same.
  expect(await shown('{{.State.Pid}}', 'busy')).toBe(busy);
  writeFileSync(`${await root('busy')}/say`, '');
  await expect.poll(async () => (await docker('logs', 'busy')).stdout, { timeout: patience(30_000) }).toBe('said\n');

  await engine.down();
  await engine.up({ BERTH_LOG_LIMIT: '128MiB' });
  await expect.poll(() => shown('{{.State.Status}} {{.State.ExitCode}}', 'ending'), { timeout: patience(30_000) }).toBe('exited 7');
  expect(await docker('run', '--rm', 'busybox', 'echo', 'again')).toEqual({ stdout: 'again\n', stderr: '', code: 0 });
  expect(await docker('exec', 'busy', 'echo', 'inside')).toMatchObject({ stdout: 'inside\n' });
  expect(await docker('stop', '-t', '0', 'busy')).toMatchObject({ code: 0 });
  expect(await differencesAtRest(engine.settings)).toEqual([]);
}, patience(300_000));

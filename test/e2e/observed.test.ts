import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { telemetrySocket } from '#libs/telemetry/telemetry-socket.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ BERTH_LOG_LEVEL: 'debug' });
});
afterAll(() => engine?.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
}

function ask(process: 'engine' | 'executor', path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath: telemetrySocket(engine.settings, process), path, agent: false }, (answer) => void text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject))
      .on('error', reject)
      .end();
  });
}

/** The first answer of that kind: looked for often, since what is awaited may pass. */
async function until(process: 'engine' | 'executor', path: string, is: (answer: Answer) => boolean): Promise<Answer> {
  for (const deadline = Date.now() + 20_000; ; await sleep(5)) {
    const answer = await ask(process, path);
    if (is(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${path}: ${answer.status} ${answer.body}`);
  }
}

test('each service says that it is ready, on the loopback port and on sockets', async () => {
  const all = await fetch(`http://127.0.0.1:${engine.settings.metricsPort}/readyz`);
  expect(all.status).toBe(200);
  expect(Object.keys(((await all.json()) as { services: object }).services).sort()).toEqual(['containers', 'executor', 'gateway', 'images', 'networks', 'volumes']);
  for (const service of ['containers', 'gateway', 'images', 'networks', 'volumes']) expect((await ask('engine', `/readyz/${service}`)).status).toBe(200);
  expect(JSON.parse((await ask('executor', '/readyz')).body)).toEqual({ status: 'ok', services: { executor: { started: 'ok', log: 'ok', zygote: 'ok', folds: 'ok' } } });
  expect((await ask('executor', '/healthz')).status).toBe(200);
});

test('without the log nobody is ready, but all are alive; with it they are ready again', async () => {
  const pid = engine.pid('nats');
  if (pid === undefined) throw new Error('nats does not run');
  process.kill(pid, 'SIGKILL');
  const { body } = await until('engine', '/readyz/containers', ({ status }) => status === 503);
  expect(body).toContain('the connection to the log is lost');
  expect((await ask('engine', '/healthz')).status).toBe(200);
  for (const name of ['engine', 'executor'] as const) await until(name, '/readyz', ({ status }) => status === 200);
});

test('a zygote that is gone is told of, and started again', async () => {
  const zygote = childrenOf(engine.pid('executor')).find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'berth-zygote\n');
  if (zygote === undefined) throw new Error('there is no zygote');
  process.kill(zygote, 'SIGKILL');
  await until('executor', '/readyz', ({ status, body }) => status === 503 && body.includes('had ended'));
  await until('executor', '/readyz', ({ status }) => status === 200);
});

test('an executor that answers nobody is told of soon, beside all that others know', async () => {
  const page = async (path: string): Promise<{ status: number; body: string }> => {
    const answer = await fetch(`http://127.0.0.1:${engine.settings.metricsPort}${path}`, { signal: AbortSignal.timeout(patience(5_000)) });
    return { status: answer.status, body: await answer.text() };
  };
  const pid = engine.pid('executor');
  if (pid === undefined) throw new Error('the executor does not run');
  process.kill(pid, 'SIGSTOP');
  try {
    const { status, body } = await page('/readyz');
    expect([status, body]).toEqual([503, expect.stringContaining('"executor":{"process":"executor does not answer')]);
    const metrics = (await page('/metrics')).body;
    expect(metrics).toContain('berth_process_answers{process="executor"} 0');
    expect(metrics).toContain('berth_log_position');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await expect.poll(async () => (await page('/readyz')).status, { timeout: 20_000 }).toBe(200);
  await expect.poll(async () => (await page('/metrics')).body, { timeout: 20_000 }).toContain('berth_process_answers{process="executor"} 1');
}, patience(60_000));

test('all that the processes wrote on stderr are records', () => {
  for (const name of ['supervisor', 'engine', 'executor']) {
    const lines = readFileSync(join(engine.settings.dataRoot, 'logs', `${name}.log`), 'utf8').split('\n').filter(Boolean);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), level: expect.any(String), service: expect.any(String), message: expect.any(String) });
  }
});

const childrenOf = (pid: number | undefined): number[] => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);

import { execFile, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PrivateDockerd, startDockerd } from '../bench/private-dockerd.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

const DOCKERD = spawnSync('sh', ['-c', 'command -v dockerd'], { encoding: 'utf8' }).stdout.trim();
const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;

export interface Case {
  readonly policy: string;
  readonly stopSignal: string;
  readonly signal: string;
  readonly exitCode: number;
  /** As dockerd 20.10 does. */
  readonly restarts: boolean;
}

export const cases: readonly Case[] = [
  ['always', '', 'HUP', 3, false],
  ['always', 'TERM', 'HUP', 3, true],
  ['always', 'TERM', 'TERM', 3, false],
  ['always', 'TERM', 'KILL', 137, false],
  ['unless-stopped', 'TERM', 'HUP', 3, false],
  ['on-failure', 'TERM', 'HUP', 3, true],
  ['on-failure', 'TERM', 'USR1', 0, false],
  ['on-failure', '', 'HUP', 3, false],
].map(([policy, stopSignal, signal, exitCode, restarts]) => ({ policy, stopSignal, signal, exitCode, restarts }) as Case);

/** Beside dockerd, where there is one. */
export function testKillAndRestart(cases: readonly Case[]): void {
  let engine: TestEngine;
  let dockerd: PrivateDockerd | undefined;
  beforeAll(async () => {
    engine = await startEngine();
    if (DOCKERD !== '') dockerd = await startDockerd(DOCKERD);
    const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
    const archive = join(engine.settings.dataRoot, 'busybox.tar');
    writeFileSync(archive, busyboxImageTar());
    for (const socket of sockets()) await docker(socket, 'load', '--quiet', '--input', archive);
    rmSync(archive);
  }, patience(300_000));
  afterAll(async () => {
    await engine?.stop();
    await dockerd?.stop();
  });

  const sockets = (): string[] => [engine.socket, ...(dockerd ? [dockerd.socket] : [])];

  function docker(socket: string, ...args: readonly string[]): Promise<string> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${socket}` };
    return new Promise((resolve, reject) => execFile(process.env['BERTH_DOCKER_CLI'] ?? 'docker', [...args], { env }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout.trim()))));
  }

  /** Whether the container starts again after the signal ended it. */
  async function restarts(socket: string, { policy, stopSignal, signal, exitCode }: Case): Promise<boolean> {
    const options = ['--restart', policy, ...(stopSignal === '' ? [] : ['--stop-signal', stopSignal])];
    const script = `trap "exit ${exitCode}" HUP USR1 TERM; echo ready; while :; do sleep 0.05; done`;
    const id = await docker(socket, 'run', '-d', '--network', 'none', ...options, 'busybox', 'sh', '-c', script);
    try {
      await expect.poll(() => docker(socket, 'logs', id), { timeout: patience(30_000) }).toBe('ready');
      await docker(socket, 'kill', '-s', signal, id);
      let state = '';
      // Ended for good, or running a second time.
      await expect.poll(async () => (state = await docker(socket, 'inspect', '--format', '{{.State.Status}} {{.RestartCount}}', id)), { timeout: patience(30_000) }).toMatch(/^(exited 0|running [1-9])/);
      return state.startsWith('running');
    } finally {
      await docker(socket, 'rm', '-f', id);
    }
  }

  test.each(cases)('--restart $policy, stop signal "$stopSignal": after docker kill -s $signal it restarts: $restarts', async (example) => {
    const found = await Promise.all(sockets().map((socket) => restarts(socket, example)));
    expect(found).toEqual(sockets().map(() => example.restarts));
  }, patience(180_000));
}

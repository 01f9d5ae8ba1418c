import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { TestEngine } from '../engine/engine.js';
import { compileStatic } from '../fixtures/compile.js';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';

/** Files of the host that nothing may read or write. */
export class Secret implements Disposable {
  readonly directory = mkdtempSync('/var/tmp/berth-secret-');

  constructor() {
    mkdirSync(join(this.directory, 'inner'), { mode: 0o700 });
    writeFileSync(join(this.directory, 'inner', 'file'), 'secret\n', { mode: 0o600 });
  }

  /** All that a write would change. */
  state(): unknown {
    return {
      names: [readdirSync(this.directory), readdirSync(join(this.directory, 'inner'))],
      text: readFileSync(join(this.directory, 'inner', 'file'), 'utf8'),
      facts: ['.', 'inner', 'inner/file'].map((name) => statSync(join(this.directory, name))).map(({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs }) => ({ mode, uid, gid, nlink, ino, mtimeMs, ctimeMs })),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** Starts a container that exchanges /shared/way, a directory, and a symlink to `secret` at full speed, in the volume "shared". Resolves once it does, to what ends it. */
export const startSwapper = (engine: TestEngine, secret: string): Promise<() => Promise<void>> => startIntruder(engine, 'swap', 'swapper', '/shared', 'way', 'link', secret);

/** The same, that puts a symlink to `secret` in the place of /shared/way, whatever it is. */
export const startPlanter = (engine: TestEngine, secret: string): Promise<() => Promise<void>> => startIntruder(engine, 'plant', 'planter', '/shared', 'way', secret);

async function startIntruder(engine: TestEngine, name: 'swap' | 'plant', container: string, ...args: readonly string[]): Promise<() => Promise<void>> {
  const program = await compileStatic(`test/intruder/${name}`, name);
  const layer = await tarOf(shellTree([{ path: name, mode: 0o755, body: readFileSync(program) }]));
  expect(await engine.docker(['load', '--quiet'], await imageArchive({ tag: name, layers: [layer] }))).toMatchObject({ code: 0 });
  const intruder = spawn(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['run', '--rm', '-i', '--name', container, '-v', 'shared:/shared', name, `/${name}`, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${engine.socket}` },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => intruder.once('close', resolve));
  await new Promise<void>((resolve) => createInterface({ input: intruder.stdout }).once('line', () => resolve()));
  return async () => {
    intruder.stdin.end('stop\n');
    await ended;
    expect(intruder.exitCode).toBe(0); // it was at work
  };
}

type Arguments = (round: number, engine: TestEngine) => readonly string[];

/** Starts that walk the exchanged path before the container's root is the only one there is. */
export const MOUNTS: readonly (readonly [name: string, args: Arguments])[] = [
  ['a volume mounted below one that a container rearranges', (round) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-v', `other:/data/way/inner/new-${round}`, 'swap', 'sh', '-c', 'cat /data/way/inner/file /data/way/file; echo x > /data/way/inner/file']],
  ['a tmpfs mounted there', (round) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '--tmpfs', `/data/way/inner/tmp-${round}`, 'swap', 'true']],
  ['a part of the volume', (round) => ['run', '--rm', '--network', 'none', '--mount', 'type=volume,src=shared,dst=/part,volume-subpath=way', 'swap', 'sh', '-c', `cat /part/inner/file; echo x > /part/inner/part-${round}`]],
  ['a bind of what is there, by its path on the host', (round, { settings }) => ['run', '--rm', '--network', 'none', '-v', `${settings.dataRoot}/volumes/shared/_data/way/inner:/part`, 'swap', 'sh', '-c', `cat /part/file; echo x > /part/bound-${round}`]],
  ['a file of the host bound there', (round) => ['run', '--rm', '--network', 'none', '-v', 'shared:/data', '-v', `/etc/hostname:/data/way/inner/file-${round}`, 'swap', 'true']],
];

/** Some of the attempts fail, since the path is gone while it is walked: that is an answer too. */
export async function attempts(engine: TestEngine, rounds: number, args: Arguments, isEnough: () => boolean = () => false): Promise<string> {
  let all = '';
  for (let round = 0; round < rounds && !isEnough(); round++) {
    const { stdout, stderr } = await engine.docker(args(round, engine));
    all += stdout + stderr;
  }
  return all;
}

import { execFile, execFileSync } from 'node:child_process';
import type { CliResult, TestEngine } from '../engine/engine.js';

const PACKAGES = new URL('../../../test/clients/client-packages.mjs', import.meta.url).href;

/** The program of a client that Debian has; undefined where it cannot be had. */
export async function clientProgram(name: 'docker-py' | 'docker-compose'): Promise<string | undefined> {
  const { ensureClient } = (await import(PACKAGES)) as { readonly ensureClient: (name: string) => string | undefined }; // plain JavaScript, as all set-up
  return ensureClient(name);
}

/** Runs a client against `engine`; a failure is a code, not a throw. */
export function runClient(engine: TestEngine, program: string, args: readonly string[]): Promise<CliResult> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${engine.socket}` };
  return new Promise((resolve) => {
    execFile(program, [...args], { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255 });
    });
  });
}

/** The lines that a program prints. */
export const linesOf = (program: string, args: readonly string[]): string[] => execFileSync(program, [...args], { encoding: 'utf8' }).trim().split('\n');

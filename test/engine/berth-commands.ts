import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { settingsEnvironment } from '../../services/engine/settings.js';
import type { CliResult, TestEngine } from './engine.js';

export const MAIN = fileURLToPath(new URL('../../services/cli/main.js', import.meta.url));

/** `berth ARGS` against a test's engine; a failure is a code, not a throw. */
export function berthOf(engine: TestEngine, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'] ?? '', ...settingsEnvironment(engine.settings), ...environment };
    execFile(process.execPath, [MAIN, ...args], { env }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255 });
    });
  });
}

import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsEnvironment } from '../../services/engine/settings.js';
import { berthOf, MAIN } from '../engine/berth-commands.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { openTerminalOf } from '../engine/terminal.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
  await engine.docker(['run', '-d', '--name', 'busy', '--network', 'none', '--memory', '64m', 'busybox', 'sh', '-c', 'while :; do :; done']);
  await engine.docker(['run', '--name', 'failed', '--network', 'none', 'busybox', 'sh', '-c', 'exit 3']);
  await engine.docker(['create', '--name', 'fresh', 'busybox', 'true']);
});
afterAll(() => engine?.stop());

const berth = (...args: string[]) => berthOf(engine, args);

test('all containers are shown with what they use and how they ended', async () => {
  const rows = JSON.parse((await berth('top', '--once', '--json')).stdout) as Record<string, unknown>[];
  expect(rows.map(({ name }) => name)).toEqual(['busy', 'fresh', 'failed']);
  expect(rows[0]).toMatchObject({ status: 'running', restarts: 0, memoryLimitBytes: 64 * 2 ** 20, cpuPercent: expect.toSatisfy((percent: number) => percent > 1), memoryBytes: expect.toSatisfy((bytes: number) => bytes > 0) });
  expect(rows[2]).toMatchObject({ status: 'exited', lastExit: { code: 3, reason: 'error' } });
  // Not on a terminal it is shown once.
  expect((await berth('top')).stdout).toMatch(/^NAME +STATUS .*\nbusy +running +\d+s +\d+\.\d +\S+ \wiB of 64.0 MiB +0 +- +[0-9a-f]{12}\n/);
});

test('a terminal shows it live, and has what it had before when it is left', async () => {
  const terminal = openTerminalOf([process.execPath, MAIN, 'top'], settingsEnvironment(engine.settings));
  await terminal.until(/1 of 3 containers run[^]*busy/);
  await engine.docker(['restart', '-t', '0', 'busy']);
  await terminal.until(/ 0 +\S+ \(137/); // somebody restarted it, and no policy
  terminal.type('q');
  expect(await terminal.ended).toBe(0);
  expect(terminal.shown.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
});

const words = `${process.execPath} ${MAIN}`;
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
/** What a shell offers behind `line`, asked as its own machinery asks. */
const ASKS: Readonly<Record<string, (line: string) => readonly string[]>> = {
  bash: (line) => ['-c', `berth() { ${words} "$@"; }; eval "$(berth completion bash)"; COMP_WORDS=(${line} ''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _berth; printf '%s\\n' "\${COMPREPLY[@]}"`],
  zsh: (line) => ['-fc', `berth() { ${words} "$@"; }; compdef() { :; }; compadd() { print -l -- "\${(@P)2}"; }; eval "$(berth completion zsh)"; words=(${line} ''); CURRENT=$#words; _berth`],
  fish: (line) => ['--no-config', '-c', `function berth; ${words} $argv; end; berth completion fish | source; complete -C '${line} '`],
};

test.each(Object.keys(ASKS))('%s completes the names of containers', async (shell) => {
  if (!has(shell)) return expect((await berth('completion', shell)).stdout).toContain('berth completion words');
  // No folder: fish makes some in its home, by a process that may outlive it, and the engine's data root.
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/dev/null', ...settingsEnvironment(engine.settings) };
  const offered = (line: string): string[] => execFileSync(shell, ASKS[shell]?.(line) ?? [], { env, encoding: 'utf8' }).split('\n').map((text) => text.split('\t')[0] ?? '').filter(Boolean);
  expect(offered('berth edit')).toEqual(['busy', 'failed', 'fresh']);
  expect(offered('berth log')).toEqual(['verify']);
  expect(offered('berth edit busy --env')).toEqual([]);
});

test('a shell that is not known is a wrong usage', async () => expect(await berth('completion', 'csh')).toMatchObject({ code: 2, stderr: expect.stringContaining('bash|zsh|fish') }));

import { type ChildProcess, spawn } from 'node:child_process';
import type { TestEngine } from './engine.js';
import { patience } from './patience.js';

/** The docker CLI on a terminal of its own, made by script(1). */
export interface Terminal {
  /** All that was shown so far. */
  readonly shown: string;
  type(keys: string): void;
  /** Resolves once what is shown fits; rejects with what was shown instead after 15 s, stretched. */
  until(shows: RegExp): Promise<void>;
  /** The CLI's exit code. */
  readonly ended: Promise<number>;
}

export function openTerminal(engine: TestEngine, args: readonly string[]): Terminal {
  return openTerminalOf([process.env['BERTH_DOCKER_CLI'] ?? 'docker', ...args], { HOME: engine.settings.dataRoot, DOCKER_HOST: `unix://${engine.socket}` });
}

/** Any other program on one. */
export function openTerminalOf(words: readonly string[], environment: Readonly<Record<string, string>>): Terminal {
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const env = { PATH: process.env['PATH'] ?? '', SHELL: '/bin/sh', TERM: 'xterm', ...environment };
  return new ScriptTerminal(spawn('script', ['--quiet', '--return', '--flush', '--command', `stty rows 33 cols 77; exec ${command}`, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] }));
}

class ScriptTerminal implements Terminal {
  shown = '';
  readonly ended: Promise<number>;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly process: ChildProcess) {
    process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.shown += text;
      for (const look of this.watchers) look();
    });
    this.ended = new Promise((resolve) => process.once('close', (code) => resolve(code ?? 255)));
  }

  type(keys: string): void {
    this.process.stdin?.write(keys);
  }

  until(shows: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!shows.test(this.shown)) return;
        this.watchers.delete(look);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.watchers.delete(look);
        this.process.kill();
        reject(new Error(`the terminal does not show ${shows}, but: ${JSON.stringify(this.shown)}`));
      }, patience(15_000));
      this.watchers.add(look);
      look();
    });
  }
}

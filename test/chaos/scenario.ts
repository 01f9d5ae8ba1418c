import type { TestEngine } from '../engine/engine.js';
import { ask } from './api.js';
import type { SecondImageRegistry } from './second-image.js';
import { until } from './settled.js';

/** Each look is a place to be killed at. */
export const SELDOM_MS = 300;

/** Something a client does. It may be cut short anywhere, and is then done again, as a client would. */
export interface Scenario {
  readonly name: string;
  /** Before anything is armed. */
  prepare?(engine: Driver): Promise<void>;
  /** Rejects when it was cut short. */
  act(engine: Driver): Promise<void>;
  /** After the crash, at rest, and after `act` was given again: throws where the world is not as it was asked for. */
  check?(engine: Driver): Promise<void>;
  clean(engine: Driver): Promise<void>;
}

/** The Engine API as a client uses it; what already is as wished (304, 404 of a removal, 409 of a creation) is no failure of a second try. */
export class Driver {
  registry: SecondImageRegistry | undefined;

  /** From `interrupted` on nothing is asked any more. */
  constructor(
    readonly engine: TestEngine,
    private readonly interrupted?: AbortSignal,
  ) {}

  async call(method: string, path: string, body?: object | Buffer, fine: readonly number[] = []): Promise<string> {
    this.interrupted?.throwIfAborted();
    const { status, body: text } = await ask(this.engine.socket, method, path, body);
    if (status >= 300 && !fine.includes(status)) throw new Error(`${method} ${path}: ${status} ${text.trim()}`);
    return text;
  }

  async create(name: string, script: string, host: object = {}, config: object = {}): Promise<void> {
    const ExposedPorts = 'PortBindings' in host ? Object.fromEntries(Object.keys(host.PortBindings ?? {}).map((port) => [port, {}])) : {};
    await this.call('POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sh', '-c', script], ExposedPorts, HostConfig: host, ...config }, [409]);
    // A name is taken from the beginning of a creation on, which may yet fail.
    await this.state(name);
  }

  start(name: string): Promise<string> {
    return this.call('POST', `/containers/${name}/start`, undefined, [304]);
  }

  remove(name: string): Promise<string> {
    return this.call('DELETE', `/containers/${name}?force=1&v=1`, undefined, [404]);
  }

  async state(name: string): Promise<{ Status: string; ExitCode: number; Pid: number; Running: boolean; RestartCount: number }> {
    const { State, RestartCount } = JSON.parse(await this.call('GET', `/containers/${name}/json`)) as { State: { Status: string; ExitCode: number; Pid: number; Running: boolean }; RestartCount: number };
    return { ...State, RestartCount };
  }

  /** Looks seldom, since each look is a place to be killed at. */
  async is(name: string, status: string, exitCode?: number): Promise<void> {
    await until(`${name} is ${status} ${exitCode ?? ''}`, async () => {
      const state = await this.state(name);
      return state.Status === status && (exitCode === undefined || state.ExitCode === exitCode);
    }, 20_000, SELDOM_MS);
  }

  /** What it wrote to stdout. */
  async logs(name: string): Promise<string> {
    const { stdout, stderr, code } = await this.engine.docker(['logs', name]);
    if (code !== 0) throw new Error(`docker logs ${name}: ${stderr}`);
    return stdout;
  }
}

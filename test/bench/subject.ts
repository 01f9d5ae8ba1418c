import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import type { ProcessTree } from './memory.js';

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** An engine under measurement: its socket, asked by plain HTTP, and the docker CLI. */
export class Subject {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  constructor(
    readonly name: string,
    private readonly socketPath: string,
    readonly processes: ProcessTree,
    /** For an engine whose own defaults this machine refuses. */
    private readonly ulimits: readonly Ulimit[] = [],
  ) {}

  /** The body of a request that must work; rejects with the engine's words for a status of 400 and above. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object | Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      const headers = bytes === undefined ? {} : { 'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json', 'Content-Length': bytes.length };
      const outgoing = request({ socketPath: this.socketPath, method, path, headers, agent: this.agent, timeout: 60_000 }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const content = Buffer.concat(chunks);
          if ((answer.statusCode ?? 500) < 400) resolve(content);
          else reject(new Error(`${this.name}: ${method} ${path}: ${answer.statusCode} ${content.toString('utf8').trim()}`));
        });
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`${this.name}: ${method} ${path}: no answer within a minute`)));
      outgoing.once('error', reject);
      outgoing.end(bytes);
    });
  }

  /** The id of a new container of busybox. */
  async create(command: readonly string[], network: string): Promise<string> {
    const answer = await this.ask('POST', '/containers/create', { Image: 'busybox', Cmd: command, HostConfig: { NetworkMode: network, ...(this.ulimits.length > 0 ? { Ulimits: this.ulimits } : {}) } });
    return idOf(answer);
  }

  /** `docker run --rm busybox COMMAND`. Rejects when the CLI fails. */
  runByCli(...command: readonly string[]): Promise<void> {
    const limits = this.ulimits.flatMap(({ Name: name, Soft: soft, Hard: hard }) => ['--ulimit', `${name}=${soft}:${hard}`]);
    return new Promise((resolve, reject) => {
      const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', DOCKER_HOST: `unix://${this.socketPath}` };
      execFile(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['run', '--rm', ...limits, 'busybox', ...command], { env }, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`${this.name}: docker run: ${stderr || error.message}`));
      }).stdin?.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** The Id in an answer of a create. */
export function idOf(answer: Buffer): string {
  return (JSON.parse(answer.toString('utf8')) as { readonly Id: string }).Id;
}

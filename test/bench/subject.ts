import { execFile } from 'node:child_process';
import { Agent, request } from 'node:http';
import type { ProcessTree } from './memory.js';

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/** Longer than any answer takes: the longest is a container's that writes its log for minutes. */
const SILENCE_MS = 600_000;

/** Whether a subject's name is a dockerd's: Berth is to be compared with it. */
export const isDockerd = (name: string): boolean => name.startsWith('dockerd ');

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
  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object | Buffer): Promise<Buffer> {
    const chunks: Buffer[] = [];
    await this.exchange(method, path, body, (chunk) => chunks.push(chunk));
    return Buffer.concat(chunks);
  }

  /** How many bytes the body of a GET has, none of it kept. Rejects as `ask` does. */
  async download(path: string): Promise<number> {
    let bytes = 0;
    await this.exchange('GET', path, undefined, (chunk) => (bytes += chunk.length));
    return bytes;
  }

  private exchange(method: string, path: string, body: object | Buffer | undefined, onChunk: (chunk: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      const headers = bytes === undefined ? {} : { 'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json', 'Content-Length': bytes.length };
      const outgoing = request({ socketPath: this.socketPath, method, path, headers, agent: this.agent, timeout: SILENCE_MS }, (answer) => {
        const refused = (answer.statusCode ?? 500) >= 400;
        const words: Buffer[] = [];
        answer.on('data', refused ? (chunk: Buffer) => words.push(chunk) : onChunk);
        answer.once('error', reject);
        answer.once('end', () => {
          if (!refused) resolve();
          else reject(new Error(`${this.name}: ${method} ${path}: ${answer.statusCode} ${Buffer.concat(words).toString('utf8').trim()}`));
        });
      });
      outgoing.once('timeout', () => outgoing.destroy(new Error(`${this.name}: ${method} ${path}: nothing heard for ${SILENCE_MS / 1e3} s`)));
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

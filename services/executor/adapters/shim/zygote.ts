import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { BerthError, internal, unavailable } from '#libs/errors/errors.js';
import { errnoName } from '#libs/linux/errno.js';
import { orphanedShim } from './orphaned-shim.js';

/** How long a shim may take to be forked and listening. */
const SPAWN_DEADLINE_MS = 10_000;

/** Shims write their task directory over their command line, which is as long as the zygote's. */
const ROOM_FOR_NAMES = '.'.repeat(240);

/** It died with requests unanswered, which it may have carried out. */
class ZygoteLost extends BerthError {
  constructor() {
    super('internal', 'the zygote ended');
  }
}

interface Waiting {
  readonly resolve: (pid: number) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The tiny process that forks shims, since forking this large one is slow. It answers in the order of the requests. Killed, it is started
 * again with the next request; shims are not its children and do not mind.
 */
export class Zygote {
  private channel: Writable | undefined;
  private pid: number | undefined;
  private waiting: Waiting[] = [];
  private received: Buffer = Buffer.alloc(0);

  constructor(private readonly program: string) {}

  /** Nothing while it runs. One that has ended is started again by this, as by the next request. */
  trouble(): string | undefined {
    if (this.channel !== undefined) return undefined;
    this.ensure();
    return 'had ended, and is started again';
  }

  /** Starts it ahead of the first request. */
  warmUp(): void {
    this.ensure();
  }

  /** Resolves to the pid of a shim that carries out `plan` and listens on its socket, in `taskDirectory`, already. When the zygote dies over it, once and no more. */
  async spawnShim(plan: Uint8Array, taskDirectory: string): Promise<number> {
    try {
      return await this.fork(plan);
    } catch (error) {
      if (!(error instanceof ZygoteLost)) throw error;
      return (await orphanedShim(this.program, taskDirectory, () => this.pid)) ?? this.fork(plan);
    }
  }

  private fork(plan: Uint8Array): Promise<number> {
    const channel = this.ensure();
    const header = Buffer.alloc(4);
    header.writeUInt32LE(plan.length);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.give(unavailable(`no shim was started within ${SPAWN_DEADLINE_MS / 1000} s`)), SPAWN_DEADLINE_MS);
      this.waiting.push({ resolve, reject, timer });
      channel.write(Buffer.concat([header, plan]));
    });
  }

  close(): void {
    this.channel?.end();
    this.channel = undefined;
  }

  private ensure(): Writable {
    if (this.channel) return this.channel;
    const child = spawn(this.program, ['zygote', ROOM_FOR_NAMES], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/', env: {} });
    const channel = child.stdin;
    this.channel = channel;
    this.pid = child.pid;
    child.stdout.on('data', (bytes: Buffer) => this.answered(bytes));
    // A zygote that is gone is told by its exit.
    channel.on('error', () => undefined);
    child.on('error', (error) => this.lost(error));
    child.on('exit', () => this.lost(new ZygoteLost()));
    return channel;
  }

  private answered(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    while (this.received.length >= 4) {
      const pid = this.received.readInt32LE(0);
      this.received = this.received.subarray(4);
      const waiting = this.waiting.shift();
      if (!waiting) continue;
      clearTimeout(waiting.timer);
      if (pid > 0) waiting.resolve(pid);
      else waiting.reject(internal(`the shim could not be started: ${errnoName(-pid)}`));
    }
  }

  private lost(error: Error): void {
    this.channel = undefined;
    this.pid = undefined;
    this.received = Buffer.alloc(0);
    this.give(error);
  }

  private give(error: Error): void {
    for (const { reject, timer } of this.waiting.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { BerthError, internal } from '#libs/errors/errors.js';
import { errnoName } from '#libs/linux/errno.js';

/** Shims write their task directory over their command line, which is as long as the zygote's. */
const ROOM_FOR_NAMES = '.'.repeat(240);

/** It ended with this request unanswered, which it may have carried out. */
export class ZygoteLost extends BerthError {
  constructor(
    message: string,
    /** It was ended because it did not answer this one in time. */
    readonly isOverdue: boolean,
  ) {
    super(isOverdue ? 'unavailable' : 'internal', message);
  }
}

interface Waiting {
  readonly resolve: (pid: number) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * One zygote while it lives. It answers in the order of the requests, and none leaves that order but by its answer or with the process: what is late cannot be taken for the
 * answer to another. So a request that passes its deadline ends the process, and with it the fork that it waits for, which cannot say any more that it listens (shim.c).
 */
export class ZygoteProcess {
  private readonly child: ChildProcess;
  private readonly waiting: Waiting[] = [];
  private received: Buffer = Buffer.alloc(0);
  private overdue: Waiting | undefined;
  /** It has ended, or is about to: it takes no request. */
  isOver = false;

  constructor(
    program: string,
    private readonly deadlineMs: number,
  ) {
    this.child = spawn(program, ['zygote', ROOM_FOR_NAMES], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/', env: {} });
    this.child.stdout?.on('data', (bytes: Buffer) => this.answered(bytes));
    // One that is gone is told by its exit.
    this.child.stdin?.on('error', () => undefined);
    this.child.on('error', (error) => this.lost(() => error));
    this.child.on('exit', () => this.lost((request) => (request === this.overdue ? new ZygoteLost(`no shim was started within ${this.deadlineMs / 1000} s`, true) : new ZygoteLost('the zygote ended', false))));
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves to the pid that the fork gives as its own. Rejects with ZygoteLost when the process has ended before it answered. */
  fork(plan: Uint8Array): Promise<number> {
    const header = Buffer.alloc(4);
    header.writeUInt32LE(plan.length);
    return new Promise((resolve, reject) => {
      const request: Waiting = { resolve, reject, timer: setTimeout(() => this.giveUp(request), this.deadlineMs) };
      this.waiting.push(request);
      this.child.stdin?.write(Buffer.concat([header, plan]));
    });
  }

  close(): void {
    this.isOver = true;
    this.child.stdin?.end();
  }

  private giveUp(request: Waiting): void {
    this.isOver = true;
    this.overdue ??= request;
    this.child.kill('SIGKILL');
  }

  private answered(bytes: Buffer): void {
    this.received = Buffer.concat([this.received, bytes]);
    while (this.received.length >= 4) {
      const pid = this.received.readInt32LE(0);
      this.received = this.received.subarray(4);
      const request = this.waiting.shift();
      if (!request) continue;
      clearTimeout(request.timer);
      if (pid > 0) request.resolve(pid);
      else request.reject(internal(`the shim could not be started: ${errnoName(-pid)}`));
    }
  }

  private lost(errorFor: (request: Waiting) => Error): void {
    this.isOver = true;
    for (const request of this.waiting.splice(0)) {
      clearTimeout(request.timer);
      request.reject(errorFor(request));
    }
  }
}

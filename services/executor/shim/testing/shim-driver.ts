import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePlan, planOf } from '../../domain/plan/encode-plan.js';
import type { PlanSettings, PlanStep } from '../../domain/plan/plan-table.js';

/** What the tests of the shim share: a zygote of their own, a tree with busybox in it, the shim's socket spoken in frames. */
export class ShimBench implements AsyncDisposable {
  #replies = Buffer.alloc(0);
  readonly #shims: number[] = [];
  #waiting: ((pid: number) => void)[] = [];

  private constructor(
    readonly directory: string,
    readonly zygote: ChildProcess,
  ) {
    zygote.stdout?.on('data', (chunk: Buffer) => {
      this.#replies = Buffer.concat([this.#replies, chunk]);
      for (; this.#replies.length >= 4; this.#replies = this.#replies.subarray(4)) this.#waiting.shift()?.(this.#replies.readInt32LE());
    });
  }

  static async open(shim: string): Promise<ShimBench> {
    const directory = await mkdtemp(join(tmpdir(), 'berth-shim-test-'));
    const lower = join(directory, 'lower');
    for (const name of ['bin', 'proc', 'dev', 'etc', 'tmp', 'sys']) await mkdir(join(lower, name), { recursive: true });
    await cp('/bin/busybox', join(lower, 'bin/busybox'));
    for (const name of ['sh', 'cat', 'hostname', 'sleep', 'echo', 'id', 'ls', 'tty', 'stty', 'true', 'grep', 'seq', 'env', 'head', 'kill', 'ulimit', 'wc']) await symlink('busybox', join(lower, 'bin', name));
    await writeFile(join(lower, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nsam:x:1234:55:Sam:/home/sam:/bin/sh\n');
    await writeFile(join(lower, 'etc/group'), 'root:x:0:\nstaff:x:55:\nwheel:x:77:sam,root\n');
    return new ShimBench(directory, spawn(shim, ['zygote', '.'.repeat(240)], { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.zygote.once('exit', resolve));
    this.zygote.stdin?.end();
    await ended;
    for (const pid of this.#shims) // of tests that failed half way: their containers die with them
      if ((await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')) === 'berth-shim\n') process.kill(pid, 'SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The shim's pid, negative: an errno. */
  request(plan: Uint8Array): Promise<number> {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(plan.length);
    this.zygote.stdin?.write(Buffer.concat([length, plan]));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async run(name: string, steps: (task: TaskPaths) => readonly PlanStep[], settings: Partial<PlanSettings> = {}): Promise<Task> {
    const directory = join(this.directory, name);
    for (const part of ['upper', 'work', 'root']) await mkdir(join(directory, part), { recursive: true });
    const paths = { directory, base: this.directory, name };
    const plan = planOf({ ...defaults, taskDirectory: directory, logPath: join(directory, 'log'), ...settings }, steps(paths));
    const pid = await this.request(encodePlan(plan));
    this.#shims.push(pid);
    if (pid < 0) throw new Error(`the zygote says ${pid}`);
    return new Task(directory, pid, await Control.open(join(directory, 'shim.sock')));
  }
}

export interface TaskPaths {
  readonly directory: string;
  readonly base: string;
  readonly name: string;
}

const NEW = { ns: 0x20000, uts: 0x4000000, ipc: 0x8000000, pid: 0x20000000, net: 0x40000000 };
export const defaults: PlanSettings = {
  taskDirectory: '', logPath: '', logMaxBytes: 0, logMaxFiles: 1, socketGroup: 0, socketMode: 0o660, shimCgroupPaths: [],
  namespaces: NEW.ns | NEW.uts | NEW.ipc | NEW.pid | NEW.net, terminal: false, rows: 0, columns: 0, openStdin: false, stdinOnce: false, tickets: [], cgroupPaths: [],
};
const child = { actor: 'child', from: 'test' } as const;
/** The tree of every test, up to pivot_root; `more` goes before it. */
export const tree = ({ base, directory, name }: TaskPaths, more: readonly PlanStep[] = []): PlanStep[] => [
  { ...child, op: 'private_propagation' },
  { ...child, op: 'overlay_root', baseDirectory: base, lower: ['lower'], upper: `${name}/upper`, work: `${name}/work`, target: join(directory, 'root'), options: '' },
  { ...child, op: 'mount_fs', type: 'proc', source: 'proc', target: '/proc', flags: 14, data: '' },
  { ...child, op: 'mount_fs', type: 'tmpfs', source: 'tmpfs', target: '/dev', flags: 2, data: 'mode=755' },
  { ...child, op: 'mount_fs', type: 'devpts', source: 'devpts', target: '/dev/pts', flags: 10, data: 'newinstance,ptmxmode=0666,mode=0620' },
  ...more,
  { ...child, op: 'set_hostname', name: 'harbour' },
  { ...child, op: 'pivot_root' },
];
export const exec = (...args: string[]): PlanStep => ({ ...child, op: 'exec', args, env: ['PATH=/bin'] });
export const sh = (script: string): PlanStep => exec('sh', '-c', script);

export class Task {
  constructor(
    readonly directory: string,
    readonly pid: number,
    readonly control: Control,
  ) {}
  log = async (): Promise<{ log: string; stream: string; time: string }[]> =>
    (await readFile(join(this.directory, 'log'), 'utf8')).split('\n').filter(Boolean).map((line) => JSON.parse(line));
  exit = (): Promise<string> => readFile(join(this.directory, 'exit'), 'utf8');
  /** Takes note of the end; resolves when the shim is gone. */
  async acknowledge(): Promise<void> {
    this.control.send(6, text(''));
    await this.control.closed;
  }
}

export const text = (value: string): Buffer => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const frame = (type: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat([Buffer.of(type), ...parts]);
  return Buffer.concat([u32(body.length), body]);
};

export type ShimEvent =
  | { readonly type: 'started'; readonly id: string; readonly pid: number }
  | { readonly type: 'failed'; readonly id: string; readonly step: number; readonly errno: number }
  | { readonly type: 'exited'; readonly id: string; readonly code: number; readonly signal: number; readonly oom: number }
  /** begun, cloned, joined, executed, then each step. */
  | { readonly type: 'times'; readonly id: string; readonly at: readonly bigint[] }
  | { readonly type: 'log-news'; readonly id: ''; readonly failedWrites: number; readonly longLines: number; readonly rotations: number }
  | { readonly type: 'oom-kills'; readonly id: ''; readonly kills: number }
  | { readonly type: 'pong'; readonly id: '' };

/** A control connection. `next` hands out events in order, once each. */
export class Control {
  #events: ShimEvent[] = [];
  #wake: (() => void) | undefined;
  #buffer = Buffer.alloc(0);
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      while (this.#buffer.length >= 4 && this.#buffer.length >= 4 + this.#buffer.readUInt32LE()) {
        const length = this.#buffer.readUInt32LE();
        this.#events.push(decode(this.#buffer.subarray(4, 4 + length)));
        this.#buffer = this.#buffer.subarray(4 + length);
        this.#wake?.();
      }
    });
  }
  static open(path: string): Promise<Control> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.write(frame(1));
        resolve(new Control(socket));
      });
      socket.once('error', reject);
    });
  }
  send(type: number, ...parts: Buffer[]): void {
    this.socket.write(frame(type, ...parts));
  }
  /** Whether an event of this type has come and was not handed out. */
  has(type: ShimEvent['type']): boolean {
    return this.#events.some((event) => event.type === type);
  }
  async next<T extends ShimEvent['type']>(type: T, id = ''): Promise<Extract<ShimEvent, { type: T }>> {
    for (;;) {
      const index = this.#events.findIndex((event) => event.type === type && event.id === id);
      const [event] = index < 0 ? [] : this.#events.splice(index, 1);
      if (event) return event as Extract<ShimEvent, { type: T }>; // found by its type
      const other = this.#events.find((event) => event.id === id && (event.type === 'failed' || event.type === 'exited'));
      if (other) throw new Error(`instead of ${type}: ${JSON.stringify(other)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

function decode(body: Buffer): ShimEvent {
  if (body[0] === 104) return { type: 'pong', id: '' };
  const length = body.readUInt32LE(1);
  const id = body.toString('utf8', 5, 5 + length);
  const at = 5 + length;
  if (body[0] === 105) return { type: 'times', id, at: Array.from({ length: (body.length - at) / 8 }, (_, index) => body.readBigUInt64LE(at + 8 * index)) };
  if (body[0] === 106) return { type: 'log-news', id: '', failedWrites: body.readUInt32LE(at), longLines: body.readUInt32LE(at + 4), rotations: body.readUInt32LE(at + 8) };
  if (body[0] === 107) return { type: 'oom-kills', id: '', kills: body.readUInt32LE(at) };
  if (body[0] === 101) return { type: 'started', id, pid: body.readUInt32LE(at) };
  if (body[0] === 102) return { type: 'failed', id, step: body.readUInt32LE(at), errno: body.readUInt32LE(at + 4) };
  return { type: 'exited', id, code: body.readUInt32LE(at), signal: body.readUInt32LE(at + 4), oom: body.readUInt32LE(at + 8) };
}

/** Attaches with a ticket, sends `input` (undefined: leaves stdin open), resolves to all that came until the shim closed the stream. */
export async function attach(path: string, ticket: string, input?: string): Promise<Buffer> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.write(frame(10, text(ticket)));
  if (input !== undefined) socket.end(input);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  const all = Buffer.concat(parts);
  if (all.readUInt32LE() !== 1 || all[4] !== 110) throw new Error(`refused: ${all.toString('hex')}`);
  return all.subarray(5);
}

/** The payloads of Docker's stream frames, one string a stream. */
export function demultiplex(bytes: Buffer): Record<number, string> {
  const streams: Record<number, string> = {};
  for (let at = 0; at < bytes.length; ) {
    const stream = bytes.readUInt8(at);
    const length = bytes.readUInt32BE(at + 4);
    streams[stream] = (streams[stream] ?? '') + bytes.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return streams;
}

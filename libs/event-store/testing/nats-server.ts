import { spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect as connectTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

export interface TestNatsServerOptions {
  /** Instead of an fsync before each acknowledgement, the server's own default of one in two minutes: for a test that writes much. */
  readonly relaxedSync?: boolean;
  /** An existing folder for its data, which stays the caller's. Absent: a temporary one. */
  readonly dataFolder?: string;
  /** Bytes that it allows itself, whatever its disk has. Absent: three quarters of what is free at its start. */
  readonly maxFileStore?: number;
  /** Further lines of its configuration, such as its users. */
  readonly configuration?: string;
}

/** A nats-server of a test's own, with JetStream in a temporary folder, on a loopback port. The test stops it. */
export class TestNatsServer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    readonly port: number,
    private readonly options: TestNatsServerOptions,
  ) {}

  static async start(options: TestNatsServerOptions = {}): Promise<TestNatsServer> {
    const binary = findServer();
    if (binary === undefined) throw new Error('no nats-server found: set BERTH_NATS_SERVER to the path of one, 2.10.23 or newer');
    const server = new TestNatsServer(binary, await mkdtemp(join(tmpdir(), 'berth-nats-')), await freePort(), options);
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get dataFolder(): string {
    return this.options.dataFolder ?? join(this.folder, 'data');
  }

  /** After a `kill`: the same port, the same data. Resolves when connections are taken. */
  async run(): Promise<void> {
    const { relaxedSync = false, maxFileStore, configuration = '' } = this.options;
    const config = join(this.folder, 'nats.conf');
    await writeFile(config, `listen: "127.0.0.1:${this.port}"\njetstream { store_dir: "${this.dataFolder}"${relaxedSync ? '' : ', sync_interval: always'}${maxFileStore === undefined ? '' : `, max_file_store: ${maxFileStore}`} }\n${configuration}`);
    const child = spawn(this.binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child = child;
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4_000)));
    const deadline = Date.now() + 10_000;
    while (!(await isOpen(this.port))) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`nats-server did not start: ${log}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  /** SIGKILL: what a crash leaves. */
  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function findServer(): string | undefined {
  const { BERTH_NATS_SERVER: told, PATH: path = '' } = process.env;
  if (told) return told;
  return [
    ...path.split(delimiter).map((folder) => join(folder, 'nats-server')),
    resolve('.berth-tools/nats-server/usr/sbin/nats-server'),
    '/var/lib/berth/tools/nats-server',
    '/var/lib/berth/tools/nats-server/usr/sbin/nats-server',
    '/var/lib/berth/tools/nats-server/nats-server',
  ].find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connectTcp(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), done(true)));
    socket.once('error', () => done(false));
  });
}

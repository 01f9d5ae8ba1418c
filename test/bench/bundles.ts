import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { cgroupDirectories, detect } from '#libs/cgroup/layout.js';
import { ensureParent } from '#libs/cgroup/parent.js';
import type { Figures, Turn } from './comparison.js';

/** The row that the bare lives share with engines' lives without a network. */
const ROW = 'none: sum';

/** One life of a container that does nothing, without an engine: by an OCI runtime's own program, or by the kernel's calls alone. */
export interface BareLife extends Turn, AsyncDisposable {}

/** A folder on the disk with a root of busybox in it. */
function bundle(): { readonly folder: string; readonly root: string } {
  const folder = mkdtempSync('/var/tmp/bench-bundle-');
  const root = join(folder, 'rootfs');
  for (const name of ['bin', 'proc', 'dev', 'sys']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/true'));
  return { folder, root };
}

/** `program run` of a bundle of its own making (`program spec`), no overlay in it. Rejects with the program's words where it does not run on this machine. */
export async function ociRuntime(program: string, name: string): Promise<BareLife> {
  const { folder } = bundle();
  const state = join(folder, 'state');
  const end = (): void => rmSync(folder, { recursive: true, force: true });
  let lives = 0;
  const perform = async (): Promise<Figures> => {
    const before = performance.now();
    await new Promise<void>((resolve, reject) => {
      execFile(program, ['--root', state, 'run', '--bundle', folder, `bench-${process.pid}-${++lives}`], (error, _, stderr) => (error ? reject(new Error(`${name}: ${stderr.trim() || error.message}`)) : resolve()));
    });
    return new Map([[ROW, performance.now() - before]]);
  };
  try {
    execFileSync(program, ['spec'], { cwd: folder, stdio: 'pipe' });
    const path = join(folder, 'config.json');
    const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: { terminal: boolean; args: string[] } };
    spec.process = { ...spec.process, terminal: false, args: ['true'] };
    writeFileSync(path, JSON.stringify(spec));
    await perform();
  } catch (error) {
    end();
    throw error;
  }
  return { name, perform, [Symbol.asyncDispose]: async () => end() };
}

/** The kernel's part: floor.c. Its process stays, so that only the container's life is measured, by itself. */
export async function bareC(program: string): Promise<BareLife> {
  const { folder, root } = bundle();
  const layout = detect();
  const parent = `/bench-floor-${process.pid}`;
  const cgroups = cgroupDirectories(layout, parent);
  ensureParent(layout, parent);
  // A v1 cpuset lets no process in before it has CPUs: those below take them from here.
  for (const directory of cgroups) if (directory === layoutDirectory(layout.controllers.get('cpuset'), parent)) writeFileSync(join(directory, 'cgroup.clone_children'), '1');
  const work = join(folder, 'work');
  mkdirSync(work);
  const floor = new Floor(spawn(program, [root, work, ...cgroups], { stdio: ['pipe', 'pipe', 'pipe'] }));
  return {
    name: 'bare C',
    perform: async () => new Map([[ROW, await floor.life()]]),
    [Symbol.asyncDispose]: async () => {
      await floor.end();
      for (const directory of cgroups) await rmdir(directory);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const layoutDirectory = (mountPoint: string | undefined, path: string): string | undefined => (mountPoint === undefined ? undefined : join(mountPoint, path));

class Floor {
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;
  private said = '';

  constructor(private readonly child: ChildProcess) {
    if (!child.stdout) throw new Error('floor has no stdout');
    this.reader = createInterface(child.stdout);
    this.lines = this.reader[Symbol.asyncIterator]();
    child.stderr?.on('data', (bytes: Buffer) => (this.said += bytes.toString()));
  }

  /** Milliseconds. */
  async life(): Promise<number> {
    this.child.stdin?.write('\n');
    const { value, done } = await this.lines.next();
    if (done) throw new Error(this.said || 'floor ended');
    return Number(value) / 1e3;
  }

  async end(): Promise<void> {
    const ended = this.child.exitCode === null ? new Promise((resolve) => this.child.once('exit', resolve)) : undefined;
    this.child.stdin?.end();
    await ended;
    this.reader.close();
  }
}

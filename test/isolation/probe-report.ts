import { readFileSync, readlinkSync } from 'node:fs';
import { imageArchive, shellTree, tarOf } from '../fixtures/image-archive.js';
import { compileStatic } from '../fixtures/compile.js';

/** What test/probe prints. Numbers are the kernel's; a text that could not be read is null. */
export interface ProbeReport {
  readonly descriptors: readonly { readonly fd: number; readonly target: string; readonly type: number }[];
  /** Hexadecimal. */
  readonly capabilities: Readonly<Record<'effective' | 'permitted' | 'inheritable' | 'bounding' | 'ambient', string>>;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly hostname: string;
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly workingDirectory: string;
  readonly umask: number;
  readonly noNewPrivileges: number;
  readonly dumpable: number;
  readonly parentDeathSignal: number;
  readonly secureBits: number;
  readonly status: Readonly<Record<string, string>>;
  readonly oomScoreAdj: string | null;
  readonly mounts: string | null;
  readonly cgroups: string | null;
  readonly initCommand: string | null;
  readonly initEnvironment: string | null;
  /** Soft and hard, by number of the resource; -1: no limit. */
  readonly limits: readonly (readonly [number, number])[];
  readonly keyring: { readonly errno?: number; readonly description: string; readonly id: number };
  readonly namespaces: Readonly<Record<'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'user' | 'uts', number>>;
  readonly devices: readonly { readonly path: string; readonly type: 'c' | 'b'; readonly major: number; readonly minor: number; readonly openErrno: number }[];
  readonly kernelLogNode: NodeAttempt;
  readonly memoryNode: NodeAttempt;
  readonly loopNode: NodeAttempt;
  readonly masks: Readonly<Record<string, string>>;
  readonly writable?: readonly string[];
}

interface NodeAttempt {
  readonly makeErrno: number;
  readonly openErrno: number;
}

export interface SeenMount {
  readonly target: string;
  readonly type: string;
  /** Of the mount and of its file system: "ro", "nosuid" … */
  readonly options: ReadonlySet<string>;
  readonly propagation: string;
}

/** proc_pid_mountinfo(5) */
export function mountsOf(report: ProbeReport): readonly SeenMount[] {
  return (report.mounts ?? '').split('\n').filter(Boolean).map((line) => {
    const [own = '', system = ''] = line.split(' - ');
    const [, , , , target = '', options = '', ...optional] = own.split(' ');
    return { target, type: system.split(' ')[0] ?? '', options: new Set(options.split(',')), propagation: optional.filter((word) => word !== '').join(' ') };
  });
}

/** The image `probe`, ready for `docker load`: a shell and /probe. */
export async function probeImage(more: Parameters<typeof shellTree>[0] = []): Promise<Buffer> {
  const program = await compileStatic('test/probe', 'probe');
  const layer = await tarOf(shellTree([{ path: 'probe', mode: 0o755, body: readFileSync(program) }, ...more]));
  return await imageArchive({ tag: 'probe', layers: [layer] });
}

/** Of the outer process, to compare with. */
export const hostNamespace = (name: string): number => Number(/\d+/.exec(readlinkSync(`/proc/self/ns/${name}`))?.[0]);

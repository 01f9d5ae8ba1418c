import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';

/** One engine's processes, found by what the kernel says of them alone. */
export interface HostProcess {
  readonly pid: number;
  readonly comm: string;
  readonly parent: number;
  /** The directory below a cgroup parent that it is in, and with it the container that it belongs to; '' when in none. */
  readonly container: string;
  /** For a shim: the name of the task directory that its command line tells. */
  readonly task: string;
  readonly mountNamespace: string;
  readonly networkNamespaces: readonly string[];
  readonly isZombie: boolean;
}

export interface Roots {
  readonly runRoot: string;
  readonly dataRoot: string;
  readonly cgroupParent: string;
  /** Others that containers were ever in. */
  readonly cgroupParents?: ReadonlySet<string>;
}

/** All processes of the machine but the caller's own; what vanishes while it is read is left out. */
export function hostProcesses({ runRoot, cgroupParent, cgroupParents = new Set() }: Roots): HostProcess[] {
  const parents = [cgroupParent, ...cgroupParents];
  const root = realpathSync(runRoot);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((name): HostProcess[] => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const cgroups = attempt(() => readFileSync(`/proc/${name}/cgroup`, 'utf8'), '');
        const paths = cgroups.split('\n').map((line) => line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1));
        const container = parents.flatMap((parent) => paths.flatMap((path) => (path.startsWith(`${parent}/`) ? (path.slice(parent.length + 1).split('/')[0] ?? '') : []))).find((below) => below !== '');
        const links = comm === 'berth-shim' || /node|MainThread|berth/.test(comm) ? descriptorsOf(name) : [];
        const task = comm === 'berth-shim' ? taskOf(attempt(() => readFileSync(`/proc/${name}/cmdline`, 'utf8'), ''), root) : '';
        return [
          {
            pid: Number(name),
            comm,
            parent: Number(parent),
            container: container ?? '',
            task,
            mountNamespace: attempt(() => readlinkSync(`/proc/${name}/ns/mnt`), ''),
            networkNamespaces: links.filter((link) => link.startsWith('net:[')),
            isZombie: state === 'Z',
          },
        ];
      } catch {
        return [];
      }
    });
}

function taskOf(commandLine: string, root: string): string {
  const directory = commandLine.split('\0')[1] ?? '';
  return directory.startsWith(`${root}/tasks/`) ? directory.slice(`${root}/tasks/`.length) : '';
}

function descriptorsOf(pid: string): string[] {
  return attempt(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''));
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

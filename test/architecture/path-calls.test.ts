import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goesByPath, type PathCall, pathCalls } from './path-calls.js';
import { shimPathCalls } from './shim-path-calls.js';

/** Tests run compiled: from dist/test/architecture up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const SHIM = 'services/executor/shim';
const TREES = 'services/executor/adapters/trees';
const SNAPSHOTS = 'services/executor/adapters/snapshots';
const HOST = 'services/executor/adapters/host';

const read = (file: string): string | undefined => {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return undefined;
  }
};
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.split('/').includes('testing'))
    .map((name) => `${folder}/${name}`);

/** Folders and files that have no tree of a container's before them: why no path there can be its. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'services/executor/adapters/logs/': "logs lie beside a container's root, in a directory where root alone writes, and of a receiver the certificates are the client's",
  'services/executor/adapters/metrics/': 'the machine, and what the kernel tells of a process, which is never its root',
  'services/executor/adapters/network/': 'notes in the run root, and namespaces of processes',
  'services/executor/adapters/shim/': "task directories, in the run root, and processes' command lines",
  [`${HOST}/app-armor.ts`]: "securityfs and the host's profiles",
  [`${HOST}/bind-source.ts`]: 'a path of the host that a client has said',
  [`${HOST}/find-source.ts`]: 'the same',
  [`${HOST}/cdi-files.ts`]: 'folders of the settings',
  [`${HOST}/cgroup-parents.ts`]: 'cgroupfs, in which nobody makes a symlink, and a note in the run root',
  [`${HOST}/container-cgroups.ts`]: 'cgroupfs, in which nobody makes a symlink',
  [`${HOST}/found-on-host.ts`]: 'cgroupfs, and names in directories where root alone writes',
  [`${HOST}/host-devices.ts`]: "the host's /dev, and paths of the host that a client has said",
  [`${HOST}/host-facts.ts`]: 'the kernel and the data root itself',
  [`${HOST}/kept-removals.ts`]: "directories that containers' trees are in: each is one name of an id or a volume, where root alone writes, and is moved as a whole",
  [`${HOST}/masked-paths.ts`]: "the host's /sys",
  [`${HOST}/spare-directories.ts`]: 'empty ones, made here, where root alone writes',
  [`${HOST}/systemd-scope.ts`]: 'cgroupfs',
  [`${HOST}/trash.ts`]: 'the tops of trees, each one name where root alone writes, moved as a whole; what is in them is taken off by a descriptor (removeTreeSync)',
  [`${HOST}/volume-directories.ts`]: 'the tops of volumes, each one name where root alone writes, checked to be no more',
  'services/executor/adapters/runtimes/installed-runtimes.ts': "the host's runtimes",
  'services/executor/adapters/runtimes/runtime-warnings.ts': 'the same',
  [`${SNAPSHOTS}/layer-store.ts`]: 'whole layers and notes on them, each one name where root alone writes; no process of a container ever has a layer to write to',
  [`${TREES}/probe-overlay.ts`]: 'an empty tree of its own making',
  [`${TREES}/probe-mapped-overlay.ts`]: 'an empty tree of its own making',
  'services/executor/main.ts': 'the run root',
  'services/executor/executor-parts.ts': "the engine's own programs, and the names of containers' directories",
  'services/executor/application/tasks/': "task directories, in the run root, where root alone writes",
  'services/executor/application/launch/': 'task directories, in the run root, where root alone writes',
  'libs/linux/connect-unix.ts': 'folders of sockets, in the run root',
  'libs/linux/sealed-file.ts': "the engine's own program",
  'libs/linux/file-lock.ts': 'files of who calls it, not followed',
  'libs/linux/whole-file.ts': 'a file of who calls it, by a name that was not there',
  'libs/linux/native.ts': 'the addon',
};

/** Where trees of containers are at hand, each call is looked at: `calls` are all that may be there. */
const LOOKED_AT: Readonly<Record<string, { readonly why: string; readonly calls: readonly string[] }>> = {
  [`${HOST}/container-files.ts`]: {
    why: "names in the container's directory, where root alone writes. Its root lies below that, and what is mounted from there it writes to, but cannot put another thing in its place; `file` is one of them that is open",
    calls: [
      'renameSync(join(directory, SPARE_LOG))', 'renameSync(this.log(container))', 'rmSync(join(directory, SPARE_LOG))', 'mkdirSync(directory)', 'openSync(path)', 'rmSync(path)', 'writeFileSync(file)',
      "openSync(join(this.directory(container), 'hosts'))", 'writeFileSync(`${path}.tmp`)', 'renameSync(`${path}.tmp`)', 'renameSync(path)', 'readFile(join(this.directory(container), LOG_WISH))',
      "readdirSync(join(this.dataRoot, 'containers'))", 'readFileSync(path)', 'statSync(directory)', 'statSync(this.directory(container))',
    ],
  },
  [`${HOST}/container-process.ts`]: { why: "a process' directory in procfs, held by its descriptor, and below it a name of the kernel's", calls: ['openSync(`/proc/${pid}`)', 'readFileSync(`/proc/self/fd/${held}/cgroup`)'] },
  [`${HOST}/distant-mounts.ts`]: { why: 'the same', calls: ['readFileSync(`/proc/self/fd/${first}/mountinfo`)'] },
  [`${HOST}/fuse-connections.ts`]: { why: "names of the kernel's, in procfs and in a fusectl of its own", calls: ['readdirSync(`/proc/self/fd/${process}/task`)', 'readFileSync(path)', 'openat2(control, `${connection}/abort`) without a root'] },
  'services/executor/adapters/runtimes/user-files.ts': { why: "names of the kernel's, below a process' directory in procfs that is held by its descriptor", calls: ['openSync(`/proc/self/fd/${process}/root`)', 'readFileSync(`/proc/self/fd/${process}/mountinfo`)'] },
  [`${HOST}/lent-namespaces.ts`]: { why: "names of the kernel's, below a process' directory in procfs that is held by its descriptor", calls: ['openSync(`/proc/self/fd/${process}/ns/${name}`)'] },
  [`${HOST}/fill-volume.ts`]: {
    why: "the volume's own directory, where root alone writes, and what a copy is until it is moved in; the data, which containers have, by a descriptor",
    calls: [
      'openSync(`${volume}/_data`)', 'removeTreeSync(half)', 'existsSync(whole)', 'existsSync(half)', 'renameSync(half)', 'renameSync(whole)', 'existsSync(path)', 'lstatSync(half)', 'mkdirSync(target)', 'removeTreeSync(whole)', 'openSync(path)', 'rmSync(target)',
    ],
  },
  [`${SNAPSHOTS}/layer-tree.ts`]: { why: "a layer's own directory, or the descriptor of one", calls: ['openat2(from, path) without a root'] },
  [`${SNAPSHOTS}/mount-point-layers.ts`]: {
    why: 'layers, which nobody changes once they are whole: below /etc it is looked where all of them have a directory there, and the rest is one name',
    calls: [
      'existsSync(join(this.layersDirectory, name))', 'mkdirSync(temporary)', 'mkdirSync(join(temporary, directory))', 'writeFileSync(join(temporary, MARK))', 'mkdirSync(directory)', 'symlinkSync(join(directory, file))', 'writeFileSync(join(directory, file))',
      'chownSync(directory)', 'chmodSync(directory)', 'utimesSync(directory)', 'renameSync(temporary)', 'renameSync(target)', 'lstatSync(path)', 'llistxattr(path)',
    ],
  },
  [`${SNAPSHOTS}/overlay-options.ts`]: { why: "the kernel's parameters", calls: ['existsSync(join(parameters, name))'] },
  [`${SNAPSHOTS}/overlay-snapshotter.ts`]: { why: 'the top of what a container wrote, one name where root alone writes', calls: ['existsSync(upper)', 'mkdirSync(`${directory}/${WORK.name}`)', 'mkdirSync(upper)', 'existsSync(work)', 'mkdirSync(former)'] },
  [`${SNAPSHOTS}/snapshotter.ts`]: { why: 'the same', calls: ['existsSync(made)'] },
  [`${SNAPSHOTS}/vfs-snapshotter.ts`]: { why: 'the same, of a copy that no container has had', calls: ['existsSync(whole)', 'access(whole)', 'rm(half)', 'mkdir(half)', 'rename(half)', 'rename(whole)'] },
  [`${SNAPSHOTS}/unpack-layer.ts`]: { why: 'blobs, and the top of a layer', calls: ['stat(path)', 'createReadStream(path)', 'openSync(directory)'] },
  [`${TREES}/archive-tree.ts`]: {
    why: 'one name in an open directory, which the calls do not follow; how a name is opened, its callers say, with ONE_NAME or for O_PATH',
    calls: ['lgetxattr(path)', 'llistxattr(path)', 'openat2(directory, name) without a root'],
  },
  [`${TREES}/container-root.ts`]: { why: "a name of the kernel's, below a process' directory in procfs that is held by its descriptor", calls: ['openSync(`/proc/self/fd/${first}/root`)'] },
  [`${TREES}/copy-tree.ts`]: { why: 'one name in an open directory, which the calls do not follow', calls: ['lgetxattr(source)', 'llistxattr(path)'] },
  [`${TREES}/held-root.ts`]: {
    why: "names of the kernel's, below a process' directory in procfs that is held by its descriptor, and the host's own folder on which the thread has the copy, taken as a whole",
    calls: ['openSync(`/proc/self/fd/${first}/${name}`)', "mount('none')"],
  },
  [`${TREES}/merge-layers.ts`]: { why: 'the tops of layers and of a copy', calls: ['openSync(target)', 'openSync(join(directory, layer))'] },
  [`${TREES}/merged-view.ts`]: { why: "the tops of layers and of what a container wrote, and where their merge is mounted, in the thread's own namespace", calls: ['openSync(isAbsolute(first) ? first : join(directory, first))', 'openSync(directory)', 'umount2(directory)'] },
  [`${TREES}/mount-overlay.ts`]: { why: 'the directory of layers, on which it is mounted', calls: ['openSync(baseDirectory)', "mount('overlay')", 'mount(at)', 'mountByOptions(at)'] },
  [`${TREES}/remove-all-in.ts`]: { why: 'the trash, and the tops of trees in it', calls: ['readdirSync(directory)', 'removeTreeSync(join(directory, name))'] },
  [`${TREES}/tree-jobs.ts`]: { why: 'the top of a tree, one name where root alone writes', calls: ['removeTreeSync(path)'] },
  [`${TREES}/root-changes.ts`]: { why: 'the top of what a container wrote, not followed', calls: ['openSync(directory)'] },
  [`${TREES}/stopped-root.ts`]: {
    why: 'the directory of layers, on which it is mounted, and sources of mounts: of a volume its top, of a bind the path that a client has said',
    calls: ['mount(source.directory)', 'mount(at)', 'openSync(at)', 'cloneMountTree(at)', 'umount2(at)', 'cloneMount as a value', 'cloneMountTree as a value'],
  },
  [`${TREES}/volume-part.ts`]: { why: "the top of a volume, where root alone writes", calls: ['openat2(AT_FDCWD, volume)'] },
  [`${TREES}/tree-size.ts`]: { why: 'the top of the tree, not followed', calls: ['openSync(directory)'] },
  'services/executor/application/copies/root-archives.ts': { why: "the container's directory, and the top of what it wrote", calls: ['existsSync(written)', 'existsSync(directory)', 'mkdir(directory)'] },
  'libs/linux/remove-tree.ts': {
    why: 'the top of a tree, one name where root alone writes, or all of it where no container has hold of it',
    calls: ['rm(path)', 'rmSync(path)', 'unlinkSync(path)', 'openat2(AT_FDCWD, path)'],
  },
};

/** Of the shim: files that have no tree of a container's before them. */
const SHIM_ELSEWHERE: Readonly<Record<string, string>> = {
  'berth-init.c': 'a process of the container, with its rights and no more',
  'birth.c': 'cgroupfs, in which nobody makes a symlink',
  'hand_over.c': 'the task directory',
  'log.c': "the log, beside the container's root, where root alone writes",
  'oom.c': 'cgroupfs',
  'process.c': 'the task directory',
  'shim.c': 'the task directory, and cgroupfs',
  'steps_device.c': 'cgroupfs',
  'steps_host.c': "cgroupfs, and files of the kernel that the plan names",
  'steps_runtime.c': "the task directory, and the runtime's program",
  'zygote.c': "the host's /dev/null, before there is any container",
};
const SHIM_LOOKED_AT: Readonly<Record<string, { readonly why: string; readonly calls: readonly string[] }>> = {
  'in_root.c': { why: "the host's /dev/null, looked at when it is open", calls: ['open("/dev/null")'] },
  'steps_identity.c': { why: "the command, after pivot_root, with the command's own rights, in the root that it shall have", calls: ['stat(path)', 'faccessat(AT_FDCWD, path)', 'execve(path)'] },
  'steps_mount.c': {
    why: "before pivot_root: directories of the run root and layers, sources of the host's, /proc/self/fd of our own; after it what is written here is the root itself",
    calls: [
      'open(target)', 'mount("/")', 'open(op->target)', 'mount(op->target)', 'chdir(op->base_directory)', 'chdir("/")', 'sys_open_tree(AT_FDCWD, op->source)', 'mount(path_of(target).text)', 'sys_openat2(AT_FDCWD, op->source)', 'open("/")', 'chroot(".")',
      'stat(op->pid_namespace)', 'sys_open_tree(AT_FDCWD, source)', 'open(source)', 'umount2(".")',
    ],
  },
  'steps_namespace.c': { why: "the namespaces of processes, seen to be of nsfs when they are open, and the root that one has come to", calls: ['open("/proc/self/ns/pid")', 'open("/")', 'open(path)', 'open(op->path)'] },
  'steps_tree.c': {
    why: 'directories of the run root and of layers; sources of the host; a bundle in the task directory',
    calls: ['mount(op->target)', 'open(op->target)', 'sys_open_tree(AT_FDCWD, source)', 'chdir("/")', 'sys_open_tree(AT_FDCWD, op->source)', 'mkdir(op->target)', 'mknod(op->target)', 'openat(at->stage_fd, name) through a symlink', 'openat(at->stage_fd, "layers") through a symlink'],
  },
};

const isElsewhere = (file: string, places: Readonly<Record<string, string>>): boolean => Object.keys(places).some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place));

function notLookedAt(calls: readonly PathCall[], elsewhere: typeof ELSEWHERE, lookedAt: typeof LOOKED_AT): readonly string[] {
  return calls.filter(({ file, call }) => !isElsewhere(file, elsewhere) && !lookedAt[file]?.calls.includes(call)).map(({ file, line, call }) => `${file}:${line} ${call}`);
}

/** What the tables still speak of, though it is no more. */
function forgotten(calls: readonly PathCall[], elsewhere: typeof ELSEWHERE, lookedAt: typeof LOOKED_AT): readonly string[] {
  const places = Object.keys(elsewhere).filter((place) => !calls.some(({ file }) => isElsewhere(file, { [place]: '' })));
  const there = new Set(calls.map(({ file, call }) => `${file} ${call}`));
  return [...places, ...Object.entries(lookedAt).flatMap(([file, one]) => one.calls.map((call) => `${file} ${call}`)).filter((call) => !there.has(call))];
}

describe('a path that a text leads along is none in a tree that a container has a hand in', () => {
  const calls = [...filesIn('services/executor'), ...filesIn('libs/linux')].flatMap((file) => pathCalls(file, read));
  test('in the executor', () => expect(notLookedAt(calls, ELSEWHERE, LOOKED_AT)).toEqual([]));
  test('and what is allowed there is there', () => expect(forgotten(calls, ELSEWHERE, LOOKED_AT)).toEqual([]));

  const ofShim = readdirSync(join(ROOT, SHIM)).filter((name) => name.endsWith('.c')).flatMap((file) => shimPathCalls(file, readFileSync(join(ROOT, SHIM, file), 'utf8')));
  test('in the shim', () => expect(notLookedAt(ofShim, SHIM_ELSEWHERE, SHIM_LOOKED_AT)).toEqual([]));
  test('and what is allowed in it is there', () => expect(forgotten(ofShim, SHIM_ELSEWHERE, SHIM_LOOKED_AT)).toEqual([]));
});

test('what libs/linux has to be called with a path is known', () => {
  const sources = filesIn('libs/linux').map((file) => read(file) ?? '');
  const taking = sources.flatMap((source) => Array.from(source.matchAll(/^export (?:async )?function (\w+)(?:<[^>]*>)?\(([^{}]*)\)/gm)).filter(([, , operands = '']) => /\b(path|target|source|from)s?: (PathLike|string|Iterable<string>)/.test(operands)));
  expect(taking.length).toBeGreaterThan(20);
  expect(taking.flatMap(([, name = '']) => (goesByPath(name) ? [] : [name]))).toEqual([]);
});

const DIRECTORY_ENTRIES = "import { AT_FDCWD, mkdirat, O_PATH, openat2, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, utimensat } from '#libs/linux/directory-entries.js';";

test.each([
  ["the root of a container's process", "import { readFileSync } from 'node:fs'; readFileSync(`/proc/${pid}/root/etc/passwd`);", ['readFileSync(`/proc/${pid}/root/etc/passwd`)']],
  ['any file of a process', "import { readFile } from 'node:fs/promises'; readFile(`/proc/${pid}/${file}`);", ['readFile(`/proc/${pid}/${file}`)']],
  ['what the kernel tells of a process', "import { readFileSync } from 'node:fs'; readFileSync(`/proc/${pid}/cgroup`); readFileSync('/proc/meminfo'); readFileSync(`/proc/sys/${key}`);", []],
  ['a path of somebody', "import { statSync } from 'node:fs'; statSync(join(directory, name));", ['statSync(join(directory, name))']],
  ['by another name', "import { statSync as look } from 'fs'; look(path);", ['statSync(path)']],
  ['all of node:fs', "import * as fs from 'node:fs'; fs.statSync(path);", ['import * as fs']],
  ['all of it later', "const fs = await import('node:fs');", ['import(node:fs)']],
  ['all of it by another way', "process.getBuiltinModule('fs'); createRequire(import.meta.url)('node:fs').statSync(path);", ["process.getBuiltinModule('fs')", "createRequire(import.meta.url)('node:fs')"]],
  ['the addon itself', "import { native } from '#libs/linux/native.js'; native.openat2(-100, path, 0, 0, 0);", ['import native']],
  ['a class', "import { ReadStream } from 'node:fs'; import { UnixDatagram } from '#libs/linux/unix-datagram.js'; new ReadStream(path); new UnixDatagram(path);", ['ReadStream(path)', 'UnixDatagram(path)']],
  ['a working directory', 'process.chdir(path);', ['process.chdir(path)']],
  ['given away', "import { rmSync } from 'node:fs'; paths.forEach(rmSync);", ['rmSync as a value']],
  ['only a type', "import type { Stats } from 'node:fs'; import { type BigIntStats } from 'node:fs'; let stats: Stats | BigIntStats;", []],
  ['a descriptor', "import { readdirSync, fstatSync, readSync } from 'node:fs'; readdirSync(`/proc/self/fd/${fd}`); fstatSync(fd); readSync(fd, bytes);", []],
  ['a file that was opened', "import { openSync, writeFileSync } from 'node:fs'; const file = openSync('/etc/hosts'); writeFileSync(file, text);", []],
  ['a name in an open directory', "import { lstatSync, statSync } from 'node:fs'; lstatSync(Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name])); statSync(`/proc/self/fd/${fd}/${name}`);", ['statSync(`/proc/self/fd/${fd}/${name}`)']],
  ['a path in an open directory', `import { readlinkSync } from 'node:fs'; const at = (fd, name) => Buffer.concat([Buffer.from(\`/proc/self/fd/\${fd}/\`), name]); readlinkSync(at(fd, name)); readlinkSync(other(fd, name));`, ['readlinkSync(other(fd, name))']],
  ['two paths', "import { renameSync } from 'node:fs'; renameSync(`/proc/self/fd/${fd}`, to);", ['renameSync(to)']],
  ['a mount', "import { attachMount, mount } from '#libs/linux/mounts.js'; mount(source, target, 'proc', 0); attachMount(tree, `/proc/self/fd/${place}`);", ['mount(source)', 'mount(target)']],
  ['a walk without a root', `${DIRECTORY_ENTRIES} openat2(root, path, O_PATH, 0, 0); openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT);`, ['openat2(root, path) without a root', 'openat2(root, path) without a root']],
  ['a walk below a root', `${DIRECTORY_ENTRIES} const BELOW = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS; openat2(root, path, O_PATH, 0, BELOW); openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);`, []],
  ['a walk from anywhere', `${DIRECTORY_ENTRIES} openat2(AT_FDCWD, path, O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS); mkdirat(AT_FDCWD, path, 0o755);`, ['openat2(AT_FDCWD, path)', 'mkdirat(AT_FDCWD, path)']],
  ['a change through a symlink', `${DIRECTORY_ENTRIES} utimensat(fd, name, time, time, 0);`, ['utimensat(fd, name) through a symlink']],
])('the executor is seen to go by path: %s', (_, source, calls) => {
  expect(pathCalls('example.ts', () => source).map(({ call }) => call)).toEqual(calls);
});

test.each([
  ['a path of the container', 'int fd = open(op->path, O_RDONLY);', ['open(op->path)']],
  ['a mount', 'return mount("proc", op->target, "proc", 0, NULL);', ['mount(op->target)']],
  ['a tree from anywhere', 'int tree = sys_open_tree(AT_FDCWD, op->source, 0);', ['sys_open_tree(AT_FDCWD, op->source)']],
  ['a descriptor', 'int tree = sys_open_tree(fd, "", AT_EMPTY_PATH); fstat(fd, &file); close(fd);', []],
  ['one name, followed', 'int fd = openat(parent, name, O_WRONLY | O_CLOEXEC);', ['openat(parent, name) through a symlink']],
  ['one name, not followed', 'int fd = openat(parent, name, O_WRONLY | O_NOFOLLOW);', []],
  ['no call', '/* open(2) */ static int open_part(const char *source); int x = reopen(path); puts("stat(path)");', []],
])('the shim is seen to go by path: %s', (_, source, calls) => {
  expect(shimPathCalls('example.c', source).map(({ call }) => call)).toEqual(calls);
});

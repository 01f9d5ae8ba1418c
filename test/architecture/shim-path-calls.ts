import type { PathCall } from './path-calls.js';

/** Calls of the C library by path, and where in them the path is. */
const BY_PATH: Readonly<Record<string, readonly number[]>> = {
  open: [0], creat: [0], stat: [0], lstat: [0], chdir: [0], chroot: [0], mkdir: [0], rmdir: [0], mknod: [0], chmod: [0], chown: [0], lchown: [0], access: [0], unlink: [0], readlink: [0], truncate: [0], opendir: [0], fopen: [0], statfs: [0],
  umount2: [0], utimes: [0], execve: [0], execv: [0], rename: [0, 1], link: [0, 1], symlink: [1], mount: [1], mkfifo: [0], freopen: [0], scandir: [0], pathconf: [0], inotify_add_watch: [1],
  setxattr: [0], lsetxattr: [0], getxattr: [0], lgetxattr: [0], removexattr: [0],
};
/** From a directory, which is a descriptor or AT_FDCWD. */
const IN_DIRECTORY = ['openat', 'sys_openat2', 'sys_open_tree', 'faccessat', 'fstatat', 'mkdirat', 'mknodat', 'unlinkat', 'symlinkat', 'readlinkat', 'fchownat', 'fchmodat', 'utimensat', 'statx', 'linkat', 'renameat', 'renameat2', 'name_to_handle_at'];
const CALL = new RegExp(`(?<![\\w>.])(${[...Object.keys(BY_PATH), ...IN_DIRECTORY].join('|')})\\(`, 'g');

/** As pathCalls, of C: the shim's style alone is understood, in which a call's arguments hold no comment. */
export function shimPathCalls(file: string, source: string): readonly PathCall[] {
  const code = source.replaceAll(/\/\*[^]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '));
  return Array.from(code.matchAll(CALL)).flatMap(({ index, 0: { length }, 1: name = '' }) => {
    if (isInText(code, index)) return [];
    const line = code.slice(0, index).split('\n').length;
    const args = argumentsAt(code, index + length);
    return callsOf(name, args).map((call) => ({ file, line, call }));
  });
}

function callsOf(name: string, args: readonly string[]): readonly string[] {
  const [directory = '', path = '', flags = ''] = args;
  if (name in BY_PATH) return (BY_PATH[name] ?? []).map((at) => `${name}(${args[at]})`);
  if (directory === 'AT_FDCWD') return [`${name}(AT_FDCWD, ${path})`];
  // Of our own, in directories that nobody else writes to, are names that are written here, without a slash.
  return name === 'openat' && !flags.includes('O_NOFOLLOW') && path !== '"."' ? [`openat(${directory}, ${path}) through a symlink`] : [];
}

function isInText(code: string, index: number): boolean {
  const line = code.slice(code.lastIndexOf('\n', index) + 1, index);
  return line.replaceAll(/\\./g, '').split('"').length % 2 === 0;
}

/** Up to the bracket that closes the call. */
function argumentsAt(code: string, start: number): readonly string[] {
  const args = [''];
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const character = code.charAt(at);
    if (character === ')' && depth === 0) break;
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) args.push('');
    else args[args.length - 1] += character;
  }
  return args.map((text) => text.trim().replaceAll(/\s+/g, ' '));
}

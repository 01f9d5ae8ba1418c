import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT_FDCWD, mknodat } from '#libs/linux/directory-entries.js';
import { mount, umount2 } from '#libs/linux/mounts.js';
import { type UserFiles } from '../../domain/spec/container-user.js';
import { compileStatic } from '../../../../test/fixtures/compile.js';
import { abortFuse } from '../host/fuse-connections.js';
import { readUserFiles, readUserFilesAtOnce, readUserFilesOf } from './user-files.js';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-users-'));
  mkdirSync(join(top, 'root/etc'), { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true }));

const inRoot = (path: string): string => join(top, 'root', path);

function read(): UserFiles {
  const root = openSync(inRoot('.'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return readUserFiles(root);
  } finally {
    closeSync(root);
  }
}

test('both are read, and what is not there is empty', () => {
  writeFileSync(inRoot('etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  expect(read()).toEqual({ passwd: 'root:x:0:0::/:/bin/sh\n', group: '' });
});

test('a symlink means what it does in the container', () => {
  writeFileSync(join(top, 'passwd'), 'of the host');
  for (const target of [join(top, 'passwd'), '../../passwd']) {
    symlinkSync(target, inRoot('etc/passwd'));
    expect(read().passwd).toBe('');
    rmSync(inRoot('etc/passwd'));
  }
  writeFileSync(inRoot('users'), 'its own');
  symlinkSync('/users', inRoot('etc/passwd'));
  expect(read().passwd).toBe('its own');
});

test('more than a megabyte is refused', () => {
  writeFileSync(inRoot('etc/group'), Buffer.alloc((1 << 20) + 1, 'x'));
  expect(read).toThrow('/etc/group of the container has more than 1048576 bytes');
});

/** What opens it is told that there is no such device. */
const NO_DRIVER = { major: 240, minor: 7 };

test('a device is not so much as opened, a pipe not waited for, and a directory or a link in a circle is none either', () => {
  mknodat(AT_FDCWD, inRoot('etc/passwd'), constants.S_IFCHR | 0o666, NO_DRIVER.major, NO_DRIVER.minor);
  expect(read).not.toThrow();
  expect(read().passwd).toBe('');
  rmSync(inRoot('etc/passwd'));
  execFileSync('mkfifo', [inRoot('etc/passwd')]);
  expect(read().passwd).toBe('');
  rmSync(inRoot('etc/passwd'));
  mkdirSync(inRoot('etc/passwd'));
  symlinkSync('group', inRoot('etc/group'));
  expect(read()).toEqual({ passwd: '', group: '' });
});

test('what the kernel makes up is not read, by whatever link', () => {
  mkdirSync(inRoot('proc'));
  mount('proc', inRoot('proc'), 'proc', 0);
  try {
    symlinkSync('/proc/version', inRoot('etc/passwd'));
    expect(read().passwd).toBe('');
  } finally {
    umount2(inRoot('proc'), 0);
  }
});

test("of a process that is not the container's nothing is read", () => {
  expect(() => readUserFilesOf('c'.repeat(64), process.pid)).toThrow(`Container ${'c'.repeat(64)} is not running`);
});

test('of a running container they are read at once where the machine knows them by itself', async () => {
  const running = spawn('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /etc && echo nobody > /etc/passwd && echo none > /etc/group && echo ready && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(running.stdout, 'data');
    // All cgroups have this in their name.
    expect(readUserFilesAtOnce('/', running.pid ?? 0)).toEqual({ passwd: 'nobody\n', group: 'none\n' });
  } finally {
    running.stdin.end();
    await once(running, 'exit');
  }
});

test.skipIf(!existsSync('/dev/fuse') || !existsSync('/usr/bin/musl-gcc'))('where they lie in a file system of the container that does not answer nobody waits for them', async () => {
  const running = spawn('unshare', ['--mount', await compileStatic('test/intruder/silent', 'silent'), '/etc', 'alone'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(running, 'exit');
  try {
    await once(running.stdout, 'data');
    expect(readUserFilesAtOnce('/', running.pid ?? 0)).toBeUndefined();
  } finally {
    abortFuse({ container: '/', processes: [running.pid ?? 0], others: [] });
    await ended;
  }
});

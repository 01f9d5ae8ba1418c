import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTar } from '#libs/oci/tar-writer.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));

afterAll(async () => {
  await engine.stop();
}, patience(60_000));

const docker = (...args: string[]) => engine.docker(args);

describe('docker run', () => {
  test('prints what the command prints, and ends with its exit code', async () => {
    const run = await docker('run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(run).toMatchObject({ stdout: 'out\n', stderr: 'err\n', code: 7 });
  });

  test('passes standard input on, to its end', async () => {
    const run = await engine.docker(['run', '--rm', '-i', 'busybox', 'cat'], 'from outside\n');
    expect(run).toMatchObject({ stdout: 'from outside\n', code: 0 });
  });

  test('of a command that is not there ends with 127 and says so', async () => {
    const run = await docker('run', '--rm', 'busybox', 'no-such-command');
    expect(run.code).toBe(127);
    expect(run.stderr).toContain('executable file not found in $PATH');
  });

  test('gives the container its own hostname, PID 1 and address', async () => {
    const run = await docker('run', '--rm', '--hostname', 'harbour', 'busybox', 'sh', '-c', 'hostname; echo $$; ip -o -4 addr show eth0 | wc -l; grep -c harbour /etc/hosts');
    expect(run.stdout).toBe('harbour\n1\n1\n1\n');
  });

  test('withholds what a default container may not have', async () => {
    const script = 'grep -E "^(CapBnd|Seccomp:)" /proc/self/status; mount -t tmpfs none /mnt 2>&1; cat /proc/kcore | head -c1 | wc -c; echo x > /proc/sys/kernel/domainname';
    const run = await docker('run', '--rm', 'busybox', 'sh', '-c', script);
    expect(run.stdout).toContain('CapBnd:\t00000000a80425fb');
    expect(run.stdout).toContain('Seccomp:\t2');
    expect(run.stdout).toContain('permission denied');
    expect(run.stderr).toContain('Read-only file system');
  });

  test('with -d runs on; exec, logs, stop, start and rm do what they say', async () => {
    const id = (await docker('run', '-d', '--name', 'keeper', 'busybox', 'sh', '-c', 'echo begun; trap "exit 3" TERM; while :; do sleep 0.1; done')).stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect((await docker('ps', '--format', '{{.Names}} {{.State}}')).stdout).toBe('keeper running\n');
    expect(await docker('exec', 'keeper', 'sh', '-c', 'echo inside; exit 5')).toMatchObject({ stdout: 'inside\n', code: 5 });
    expect((await docker('logs', 'keeper')).stdout).toBe('begun\n');
    expect((await docker('stop', 'keeper')).code).toBe(0);
    expect((await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'keeper')).stdout).toBe('exited 3\n');
    expect((await docker('start', 'keeper')).code).toBe(0);
    expect((await docker('rm', 'keeper')).code).toBe(1);
    expect((await docker('rm', '-f', 'keeper')).code).toBe(0);
    expect((await docker('ps', '-a', '--quiet')).stdout).toBe('');
  });

  test('keeps what was written for the next start', async () => {
    await docker('create', '--name', 'writer', 'busybox', 'sh', '-c', 'cat /kept 2>/dev/null; echo written > /kept');
    expect((await docker('start', '-a', 'writer')).stdout).toBe('');
    expect((await docker('start', '-a', 'writer')).stdout).toBe('written\n');
    await docker('rm', 'writer');
  });

  test('refuses a name that is taken, in the words that clients know', async () => {
    await docker('create', '--name', 'taken', 'busybox', 'true');
    const second = await docker('create', '--name', 'taken', 'busybox', 'true');
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('Conflict. The container name "/taken" is already in use by container');
    await docker('rm', 'taken');
  });

  test('starts again what fails, as its policy says', async () => {
    await docker('run', '-d', '--name', 'again', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'echo run; exit 1');
    await docker('wait', 'again');
    await until(async () => (await docker('inspect', '--format', '{{.RestartCount}} {{.State.Status}}', 'again')).stdout === '2 exited\n');
    expect((await docker('logs', 'again')).stdout).toBe('run\nrun\nrun\n');
    await docker('rm', 'again');
  });

  test('an image is not removed under a container', async () => {
    await docker('create', '--name', 'user', 'busybox', 'true');
    const refused = await docker('rmi', 'busybox');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/unable to remove repository reference "busybox.*" \(must force\) - container [0-9a-f]{12} is using its referenced image/);
    expect((await docker('start', '-a', 'user')).code).toBe(0);
    await docker('rm', 'user');
  });

  test('mounts volumes and host directories', async () => {
    await docker('run', '--rm', '-v', 'store:/data', 'busybox', 'sh', '-c', 'echo kept > /data/file');
    expect((await docker('run', '--rm', '-v', 'store:/data:ro', 'busybox', 'sh', '-c', 'cat /data/file; touch /data/x 2>&1')).stdout).toContain('kept\n');
    expect((await docker('volume', 'ls', '--quiet')).stdout).toBe('store\n');
    await docker('volume', 'rm', 'store');
  });
});

test('an empty volume is filled from the image, once, with owner and mode; nocopy leaves it empty', async () => {
  const archive = join(engine.settings.dataRoot, 'image.tar');
  const parts: Buffer[] = [];
  for await (const part of writeTar([
    { path: 'bin/busybox', body: readFileSync('/bin/busybox'), mode: 0o755 },
    { path: 'bin/sh', type: 'symlink', linkTarget: 'busybox' },
    { path: 'data', type: 'directory', mode: 0o1770, uid: 70, gid: 71 },
    { path: 'data/page', body: Buffer.from('of the image\n'), uid: 72 },
    { path: 'etc/passwd', body: Buffer.from('root:x:0:0::/:/bin/sh\n') },
  ])) parts.push(part);
  writeFileSync(archive, Buffer.concat(parts));
  expect(await docker('import', '--change', 'VOLUME /data', archive, 'filled')).toMatchObject({ code: 0 });
  const look = '/bin/busybox stat -c "%a %u:%g" /data; /bin/busybox stat -c "%u" /data/page; /bin/busybox cat /data/page';
  const expected = '1770 70:71\n72\nof the image\n';
  expect(await docker('run', '--rm', 'filled', 'sh', '-c', look)).toMatchObject({ stdout: expected });
  // Not over the one of another: with systemd's fs.protected_regular=2 not even root may, in a sticky directory.
  expect(await docker('run', '--rm', '-v', 'kept:/data', 'filled', 'sh', '-c', `${look}; /bin/busybox rm /data/page; echo changed > /data/page`)).toMatchObject({ stdout: expected, code: 0 });
  expect(await docker('run', '--rm', '-v', 'kept:/data', 'filled', '/bin/busybox', 'cat', '/data/page')).toMatchObject({ stdout: 'changed\n' });
  expect(await docker('run', '--rm', '-v', 'bare:/data:nocopy', 'filled', '/bin/busybox', 'ls', '/data')).toMatchObject({ stdout: '', code: 0 });
  expect(await docker('run', '--rm', '--mount', 'type=volume,source=bare,target=/data,volume-nocopy', 'filled', '/bin/busybox', 'ls', '/data')).toMatchObject({ stdout: '', code: 0 });
  await docker('volume', 'rm', 'kept', 'bare');
});

describe('an engine that is killed', () => {
  test.each(['engine', 'executor', 'nats'] as const)('%s comes back, containers ran on, and their exits are known', async (service) => {
    await docker('run', '-d', '--name', `kept-${service}`, 'busybox', 'sh', '-c', 'sleep 1; echo done; exit 9');
    const pid = engine.pid(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    process.kill(pid, 'SIGKILL');
    await until(async () => (await docker('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', `kept-${service}`)).stdout === 'exited 9\n');
    expect(await docker('logs', `kept-${service}`)).toMatchObject({ stdout: 'done\n', stderr: '' });
    expect((await docker('rm', `kept-${service}`)).code).toBe(0);
  }, patience(60_000));
});

test('a published port leads to its container, also after the engine and the executor were killed', async () => {
  await docker('run', '-d', '--name', 'web', '-p', '127.0.0.1:0:80', 'busybox', 'sh', '-c', 'echo berthed > /tmp/index.html; exec httpd -f -p 80 -h /tmp');
  const port = (await docker('port', 'web', '80')).stdout.trim().split(':').pop() ?? '';
  const page = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/index.html`, { signal: AbortSignal.timeout(patience(1_000)) })).text().catch(() => '');
  await until(async () => (await page().catch(() => '')) === 'berthed\n');
  for (const service of ['executor', 'engine'] as const) {
    const pid = engine.pid(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    process.kill(pid, 'SIGKILL');
    await until(async () => engine.pid(service) !== undefined && (await docker('ps', '--format', '{{.State}}')).stdout === 'running\n');
  }
  await until(async () => (await page().catch(() => '')) === 'berthed\n');
  await docker('rm', '-f', 'web');
}, patience(60_000));

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patience(30_000);
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come to hold within 30 s');
  }
}

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';
import { patience } from '../engine/patience.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
  await engine.loadBusybox();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const state = async (name: string, format: string): Promise<string> => (await docker('inspect', '-f', format, name)).stdout.trim();
const LOOP = 'while :; do sleep 0.1; done';

test('a renamed container goes by its new name alone, and the old one is free', async () => {
  const id = (await docker('create', '--name', 'old', 'busybox', 'true')).stdout;
  expect((await docker('rename', 'old', 'new')).code).toBe(0);
  expect((await docker('ps', '-a', '--no-trunc', '-q', '-f', 'name=^/new$')).stdout).toBe(id);
  expect((await docker('inspect', 'old')).code).toBe(1);
  expect((await docker('create', '--name', 'old', 'busybox', 'true')).code).toBe(0);
  expect((await docker('rename', 'old', 'new')).stderr).toMatch(/Conflict\. The container name "\/new" is already in use by container/);
  await docker('rm', 'old', 'new');
});

test('restart stops and starts again, and starts what was stopped', async () => {
  await docker('run', '-d', '--name', 'again', 'busybox', 'sh', '-c', `echo run; trap "exit 0" TERM; ${LOOP}`);
  const pid = await state('again', '{{.State.Pid}}');
  expect((await docker('restart', 'again')).code).toBe(0);
  expect(await state('again', '{{.State.Running}}')).toBe('true');
  expect(await state('again', '{{.State.Pid}}')).not.toBe(pid);
  await docker('stop', 'again');
  expect((await docker('restart', '-t', '1', 'again')).code).toBe(0);
  expect((await docker('logs', 'again')).stdout).toBe('run\nrun\nrun\n');
  await docker('rm', '-f', 'again');
});

test('restart leaves a container that goes with its run, and its volumes, where they are', async () => {
  const marks = (): Promise<string> => docker('exec', 'brief', 'cat', '/kept/mark').then(({ stdout }) => stdout);
  await docker('run', '-d', '--rm', '--name', 'brief', '-v', '/kept', 'busybox', 'sh', '-c', `echo run >> /kept/mark; ${LOOP}`);
  await expect.poll(marks, { timeout: patience(10_000) }).toBe('run\n');
  expect(await docker('restart', '-t', '0', 'brief')).toMatchObject({ code: 0, stderr: '' });
  await expect.poll(marks, { timeout: patience(10_000) }).toBe('run\nrun\n');
  await docker('stop', '-t', '0', 'brief');
  await expect.poll(async () => (await docker('ps', '-aq', '-f', 'name=brief')).stdout).toBe('');
});

test('kill sends the signal named; without one it ends the container with 137', async () => {
  await docker('run', '-d', '--name', 'target', 'busybox', 'sh', '-c', `trap "echo usr1" USR1; trap "echo hup" HUP; echo ready; ${LOOP}`);
  await untilLogs('target', 'ready\n');
  expect((await docker('kill', '-s', 'USR1', 'target')).code).toBe(0);
  await untilLogs('target', 'ready\nusr1\n');
  expect((await docker('kill', '-s', '1', 'target')).code).toBe(0);
  await untilLogs('target', 'ready\nusr1\nhup\n');
  expect((await docker('kill', '-s', 'NOSUCH', 'target')).stderr).toContain('invalid signal: NOSUCH');
  expect((await docker('kill', 'target')).code).toBe(0);
  expect(await state('target', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137');
  expect((await docker('kill', 'target')).stderr).toMatch(/is not running/);
  await docker('rm', 'target');
});

test('a stop that is not heeded ends in SIGKILL after its time', async () => {
  await docker('run', '-d', '--name', 'deaf', 'busybox', 'sh', '-c', `trap "" TERM; ${LOOP}`);
  expect((await docker('stop', '-t', '1', 'deaf')).code).toBe(0);
  expect(await state('deaf', '{{.State.ExitCode}}')).toBe('137');
  await docker('rm', 'deaf');
});

test('what takes more memory than its limit is killed, and the engine says so', async () => {
  const run = await docker('run', '--name', 'hungry', '-m', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', 'x=$(dd if=/dev/zero bs=1M count=64 2>/dev/null | tr "\\0" x); echo $x | wc -c');
  expect(run.code).toBe(137);
  expect(await state('hungry', '{{.State.OOMKilled}} {{.State.ExitCode}}')).toBe('true 137');
  await docker('rm', 'hungry');
});

test('no more processes than its limit run in a container', async () => {
  const run = await docker('run', '--rm', '--pids-limit', '5', 'busybox', 'sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; echo all');
  expect(run.stderr).toMatch(/can't fork/);
});

test('--init takes care of orphans and passes signals on', async () => {
  await docker('run', '-d', '--init', '--name', 'parent', 'busybox', 'sh', '-c', `(sleep 0.05 &) ; ${LOOP}`);
  await expect.poll(async () => (await docker('exec', 'parent', 'sh', '-c', 'grep -l "^State:.Z" /proc/[0-9]*/status | wc -l')).stdout, { timeout: patience(5_000) }).toBe('0\n');
  expect((await docker('stop', 'parent')).code).toBe(0);
  expect(await state('parent', '{{.State.ExitCode}}')).toBe('143');
  await docker('rm', 'parent');
});

describe('restart policies', () => {
  test('always starts again after success, with growing pauses, until somebody stops it', async () => {
    await docker('run', '-d', '--name', 'always', '--restart', 'always', 'busybox', 'true');
    await expect.poll(async () => Number(await state('always', '{{.RestartCount}}')), { timeout: patience(10_000) }).toBeGreaterThan(3);
    expect((await docker('stop', 'always')).code).toBe(0);
    const count = await state('always', '{{.RestartCount}}');
    expect(await state('always', '{{.State.Status}}')).toBe('exited');
    expect(await state('always', '{{.RestartCount}}')).toBe(count);
    // Not '0s': the CLI drops the fraction of a second, and with it the newest starts.
    const { stdout } = await docker('events', '--since', '1m', '--until', String(Date.now() / 1000), '-f', 'container=always', '-f', 'event=start', '--format', '{{.TimeNano}}');
    const starts = stdout.trim().split('\n').map((line) => Number(line) / 1e6);
    const pauses = starts.slice(1).map((start, index) => start - (starts[index] ?? 0));
    expect(pauses[1]).toBeGreaterThan(150);
    expect(pauses[2]).toBeGreaterThan(350);
    await docker('rm', 'always');
  });

  test('what waits for its restart is not started, attached to or asked for a command, and a kill ends the waiting', async () => {
    await docker('run', '-d', '--name', 'looping', '--restart', 'always', 'busybox', 'sh', '-c', 'exit 3');
    // Not by the CLI, which may take longer to start than the container waits: 1.6 seconds and more.
    const ask = (method: string, path: string, body?: unknown) => http(engine.socket, method, `/containers/looping/${path}`, body);
    const seen = async (): Promise<string> => {
      const { State, RestartCount } = JSON.parse((await ask('GET', 'json')).text) as { State: { Status: string; ExitCode: number }; RestartCount: number };
      return `${State.Status} ${State.ExitCode} ${RestartCount}`;
    };
    await expect.poll(seen, { timeout: patience(20_000), interval: 20 }).toMatch(/^restarting 3 [4-9]/);
    await ask('POST', 'wait'); // the next run's end
    await expect.poll(seen, { timeout: patience(10_000), interval: 20 }).toMatch(/^restarting/);
    const waiting = await seen();
    expect((await ask('POST', 'start')).status).toBe(304);
    for (const act of ['exec', 'attach?stream=1&stdout=1']) {
      const refused = await ask('POST', act, act === 'exec' ? { Cmd: ['true'] } : undefined);
      expect(refused).toMatchObject({ status: 409, text: expect.stringContaining('is restarting, wait until the container is running') as string });
    }
    const waited = ask('POST', 'wait');
    expect(await ask('POST', 'kill')).toMatchObject({ status: 204 });
    expect((await waited).text).toContain('"StatusCode":3');
    expect(await seen()).toBe(waiting.replace('restarting', 'exited'));
    await docker('rm', 'looping');
  });

  test('on-failure leaves what succeeded', async () => {
    await docker('run', '-d', '--name', 'good', '--restart', 'on-failure', 'busybox', 'true');
    await docker('wait', 'good');
    expect(await state('good', '{{.RestartCount}} {{.State.Status}}')).toBe('0 exited');
    await docker('rm', 'good');
  });
});

describe('docker wait', () => {
  test('tells the exit code, also afterwards', async () => {
    await docker('run', '-d', '--name', 'nine', 'busybox', 'sh', '-c', 'sleep 0.2; exit 9');
    expect((await docker('wait', 'nine')).stdout).toBe('9\n');
    expect((await docker('wait', 'nine')).stdout).toBe('9\n');
    await docker('rm', 'nine');
  });

  test('for its removal tells the exit code, though it ended before the engine began', async () => {
    await docker('run', '--name', 'seven', 'busybox', 'sh', '-c', 'exit 7');
    await engine.down();
    await engine.up();
    // The headers say that it waits.
    const [answer] = (await once(request({ socketPath: engine.socket, method: 'POST', path: '/containers/seven/wait?condition=removed' }).end(), 'response')) as [IncomingMessage];
    await docker('rm', 'seven');
    expect(await json(answer)).toEqual({ StatusCode: 7 });
  });

  test('--rm leaves nothing, whatever the exit code', async () => {
    expect((await docker('run', '--rm', '--name', 'gone', '-v', '/anonymous', 'busybox', 'sh', '-c', 'exit 8')).code).toBe(8);
    await expect.poll(async () => (await docker('ps', '-aq', '-f', 'name=gone')).stdout).toBe('');
    expect((await docker('volume', 'ls', '-q')).stdout).toBe('');
  });
});

describe('exit codes of docker run', () => {
  test.each([
    [125, ['--memory', '1k', 'busybox', 'true'], /Minimum memory limit allowed is 6MB/],
    [125, ['--pull', 'never', 'no-such-image', 'true'], /No such image: no-such-image:latest/],
    [126, ['busybox', '/etc'], /permission denied|is a directory/],
    [127, ['busybox', '/no/such/file'], /no such file or directory/],
    [127, ['busybox', 'no-such-command'], /executable file not found in \$PATH/],
    [125, ['-w', 'relative', 'busybox', 'true'], /the working directory 'relative' is invalid, it needs to be an absolute path/],
    [125, ['-v', '/a:/b:sometimes', 'busybox', 'true'], /invalid mode/],
    [125, ['--name', 'n'.repeat(5_000), 'busybox', 'true'], /Invalid container name \(n{64}…\), names have at most 255 characters/],
    [125, ['-v', `${'v'.repeat(300)}:/v`, 'busybox', 'true'], /volume name is too long, names should be at most 255 characters/],
    [125, ['--name', '!', 'busybox', 'true'], /Invalid container name \(!\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/],
    [125, ['--restart', 'always', 'busybox', 'true'], /conflicting options|can't create 'AutoRemove' container with restart policy/],
  ] as const)('%d of %j', async (code, args, says) => {
    const run = await docker('run', '--rm', ...args);
    expect(run.stderr).toMatch(says);
    expect(run.code).toBe(code);
  });
});

describe('logs', () => {
  test('the last lines, with times, since and until', async () => {
    await docker('run', '--name', 'lines', 'busybox', 'sh', '-c', 'echo 1; echo 2; sleep 1.1; echo 3');
    expect((await docker('logs', '--tail', '2', 'lines')).stdout).toBe('2\n3\n');
    const stamped = (await docker('logs', '-t', 'lines')).stdout.trim().split('\n');
    expect(stamped.every((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \d$/.test(line))).toBe(true);
    const third = stamped[2]?.split(' ')[0] ?? '';
    expect((await docker('logs', '--since', third, 'lines')).stdout).toBe('3\n');
    const second = stamped[1]?.split(' ')[0] ?? '';
    expect((await docker('logs', '--until', second, 'lines')).stdout).toBe('1\n2\n');
    await docker('rm', 'lines');
  });

  test('follow shows all of what a busy container prints, to its end', async () => {
    await docker('run', '-d', '--name', 'busy', 'busybox', 'sh', '-c', 'seq 1 50000');
    const { stdout } = await docker('logs', '-f', 'busy');
    expect(stdout.split('\n').length).toBe(50_001);
    expect(stdout.endsWith('\n50000\n')).toBe(true);
    await docker('rm', '-f', 'busy');
  });
});

describe('published ports', () => {
  test('docker ps and docker port show them, free ones and ranges too', async () => {
    await docker('run', '-d', '--name', 'web', '-p', '127.0.0.1:28000-28005:80', '-p', '28010-28011:90-91', '-p', '53/udp', '--expose', '7', 'busybox', 'sleep', '1000');
    const shown = (await docker('ps', '--format', '{{.Ports}}')).stdout;
    expect(shown).toMatch(/127\.0\.0\.1:2800\d->80\/tcp/);
    expect(shown).toContain('0.0.0.0:28010->90/tcp, 0.0.0.0:28011->91/tcp');
    expect(shown).toMatch(/0\.0\.0\.0:\d{5}->53\/udp/);
    expect(shown).toContain('7/tcp');
    expect((await docker('port', 'web', '90')).stdout).toBe('0.0.0.0:28010\n');
    const second = await docker('run', '-d', '--name', 'second', '-p', '127.0.0.1:28000-28005:80', 'busybox', 'sleep', '1000');
    expect(second.code).toBe(0);
    expect((await docker('port', 'second', '80')).stdout).not.toBe((await docker('port', 'web', '80')).stdout);
    expect((await docker('run', '--rm', '-p', '28010:80', 'busybox', 'true')).stderr).toContain('Bind for 0.0.0.0:28010 failed: port is already allocated');
    await docker('rm', '-f', 'web', 'second');
  });
});

async function untilLogs(name: string, text: string): Promise<void> {
  await expect.poll(async () => (await docker('logs', name)).stdout, { timeout: patience(10_000), interval: 20 }).toBe(text);
}

import { execFile, spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { toToldEnd } from '#libs/messaging/told-end.js';
import { conflict } from '#libs/errors/errors.js';
import { answers, asked, endpoint, followerCount, frame, happens, ID, useGateway, view, world } from './testing/gateway-world.js';

useGateway();

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const CLI = process.env['BERTH_DOCKER_CLI'] ?? 'docker';
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, DOCKER_HOST: `unix://${world.socket}`, DOCKER_CONFIG: world.folder });

function docker(args: readonly string[], input?: string): Promise<Run> {
  return new Promise((resolve) => {
    const child = execFile(CLI, args, { env: environment(), timeout: 20_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
    child.stdin?.end(input ?? '');
  });
}

describe('the real docker CLI', () => {
  test('docker version shows the server', async () => {
    const { code, out } = await docker(['version']);
    expect(code).toBe(0);
    expect(out).toContain('API version:      1.51 (minimum version 1.24)');
  });

  test('docker info counts containers', async () => {
    answers.set('executor.host-facts', () => ({ kernelVersion: '6.18', operatingSystem: 'Debian', osVersion: '12', architecture: 'x86_64', hostname: 'h', cpus: 2, memoryBytes: 2 ** 30, cgroupVersion: '1', cgroupDriver: 'cgroupfs', storageDriver: 'overlay2', securityOptions: ['name=seccomp,profile=builtin'], runtimes: ['berth'], dataRoot: '/var/lib/berth', bridgeForwarding: true, cdiFolders: [], warnings: [] }));
    answers.set('images.list', () => ({ images: [], position: 0 }));
    const { code, out, err } = await docker(['info']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Running: 1');
  });

  test('docker ps prints status, ports and command', async () => {
    const { out } = await docker(['ps', '--format', '{{.Names}}|{{.Status}}|{{.Ports}}|{{.Command}}', '--no-trunc']);
    expect(out).toMatch(/^web\|Up \d+ seconds\|0\.0\.0\.0:8080->80\/tcp\|"sleep '1 2'"\n$/);
  });

  test('docker inspect reads a container', async () => {
    const { out } = await docker(['inspect', '--format', '{{.State.Status}} {{.NetworkSettings.IPAddress}} {{.State.FinishedAt}} {{json .NetworkSettings.Ports}}', 'web']);
    expect(out).toBe('running 172.17.0.2 0001-01-01T00:00:00Z {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]}\n');
  });

  test('docker create of what Berth lacks names the option and creates nothing', async () => {
    const { code, err } = await docker(['create', '--network', 'name=bridge,driver-opt=a=b', 'debian']);
    expect(code).toBe(1);
    expect(err).toMatch(/^Error response from daemon: Berth does not support NetworkingConfig\.EndpointsConfig\.bridge\.DriverOpts yet/);
    expect(asked).toEqual([]);
  });

  test('docker run attaches before the start, shows both streams and exits with the status', async () => {
    let exited: () => void = () => {};
    const exit = new Promise<void>((resolve) => (exited = resolve));
    const order: string[] = [];
    answers.set('containers.create', () => ({ id: ID, warnings: [], position: 1 }));
    answers.set('containers.attach', () => (order.push('attach'), { ...endpoint(), id: ID, terminal: false, openStdin: true, stdinOnce: true, waitForStart: true, start: 1 }));
    answers.set('containers.wait', async () => (order.push('wait'), await exit, { done: true, id: ID, exitCode: 7, error: '', startNumber: 1 }));
    answers.set('containers.start', () => {
      order.push('start');
      happens({ type: 'ContainerStarted', container: ID, start: 1, pid: 1, at: new Date().toISOString() });
      return { changed: true, position: 2 };
    });
    world.serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes)));
      stream.on('end', () => {
        stream.write(frame(1, typed.toUpperCase()));
        stream.end(frame(2, 'warning\n'));
        exited();
      });
    };
    const run = await docker(['run', '-i', 'debian', 'cat'], 'hello\n');
    expect(run).toEqual({ code: 7, out: 'HELLO\n', err: 'warning\n' });
    expect(order).toEqual(['attach', 'wait', 'start']);
    expect(asked.find((one) => one.subject === 'containers.create')?.data).toMatchObject({ config: { Image: 'debian', Cmd: ['cat'], OpenStdin: true }, hostConfig: { NetworkMode: 'bridge' } });
  });

  test('docker run of a command that cannot start ends with its error', async () => {
    answers.set('containers.create', () => ({ id: ID, warnings: [], position: 1 }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 2 }));
    answers.set('containers.wait', () => new Promise(() => {}));
    answers.set('containers.start', () => {
      happens({ type: 'StartFailed', container: ID, start: 2, error: 'no such file', exitCode: 127, at: new Date().toISOString() });
      throw conflict('exec: "nope": executable file not found in $PATH');
    });
    const run = await docker(['run', 'debian', 'nope']);
    expect(run.err).toContain('executable file not found in $PATH');
    expect(run.code).toBe(127);
  });

  test('docker exec sends its body, streams, and takes the exit code', async () => {
    answers.set('containers.create-exec', () => ({ id: 'e1' }));
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: false }));
    answers.set('containers.get-exec', () => ({ id: 'e1', container: ID, config: { args: ['id'], terminal: false, detachKeys: '' }, running: false, exitCode: 3, pid: 9 }));
    world.serve = (stream) => void stream.end(frame(1, 'uid=0\n'));
    expect(await docker(['exec', 'web', 'id'])).toEqual({ code: 3, out: 'uid=0\n', err: '' });
    expect(asked.find((one) => one.subject === 'containers.create-exec')?.data).toMatchObject({ args: ['id'], attachStdout: true });
  });

  test('docker logs of a container ends where the stream ends', async () => {
    answers.set('containers.logs', () => ({ ...endpoint(), terminal: false }));
    world.serve = (stream) => void stream.end(Buffer.concat([frame(1, 'one\n'), frame(2, 'two\n')]));
    expect(await docker(['logs', '--tail', '5', '--since', '10s', 'web'])).toEqual({ code: 0, out: 'one\n', err: 'two\n' });
    expect(asked.at(-1)?.data).toMatchObject({ tail: 5, follow: false });
  });

  test('docker pull prints the progress of the stream', async () => {
    answers.set('images.pull', () => endpoint());
    world.serve = (stream) => void stream.end('{"status":"Pulling from a/b","id":"v1"}\r\n{"status":"done"}\r\n');
    const { code, out } = await docker(['pull', 'host.example:5000/a/b:v1']);
    expect(code).toBe(0);
    expect(out).toContain('Pulling from a/b');
    expect(asked.find((one) => one.subject === 'images.pull')?.data).toEqual({ reference: 'host.example:5000/a/b:v1', allTags: false });
  });

  test('docker load sends the archive and prints what the stream says', async () => {
    answers.set('images.load', () => endpoint());
    world.serve = (stream) =>
      void Array.fromAsync(toToldEnd(stream.iterator({ destroyOnReturn: false }))).then((got) => stream.resume().end(`{"stream":"got ${Buffer.concat(got).length}\\n"}\r\n`));
    expect((await docker(['load'], 'x'.repeat(100_000))).out).toContain('got 100000');
  });

  test('docker events shows what happens, with name and labels', async () => {
    const others = followerCount();
    const events = spawn(CLI, ['events', '--format', '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'], { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
    await expect.poll(followerCount, { timeout: 20_000 }).toBe(others + 1);
    const at = new Date().toISOString();
    happens({ type: 'ContainerCreated', container: ID, name: 'web', config: view.config, hostConfig: {}, imageId: '', imageRef: 'debian', layers: [], path: '', args: [], mounts: [], at });
    happens({ type: 'ContainerExited', container: ID, start: 1, exitCode: 7, signal: 0, oomKilled: false, reason: 'completed', at });
    let shown = '';
    for await (const text of events.stdout.setEncoding('utf8')) {
      shown += String(text);
      if (shown.includes('die')) events.kill();
    }
    expect(shown.replaceAll('<no value>', '')).toBe('create web \ndie web 7\n');
  });

  test('docker ps refuses a filter that does not exist', async () => {
    expect((await docker(['ps', '--filter', 'colour=red'])).err).toContain("invalid filter 'colour'");
  });
});

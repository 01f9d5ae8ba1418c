import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { http } from '../engine/http.js';

const READER = 41_001;
const WEB = 41_002;
const OPERATOR = 41_003;
const STRANGER = 41_009;
const WEB_GROUP = 41_050;

const GRANTS = [
  { to: { uid: 0 }, role: 'admin' },
  { to: { uid: READER }, role: 'reader' },
  { to: { gid: WEB_GROUP }, role: 'operator', labels: { team: 'web' } },
  { to: { uid: OPERATOR }, role: 'operator', allows: ['bind-mounts'] },
];

let engine: TestEngine;
let folder: string;
let policy: string;
const writePolicy = (text: string): void => writeFileSync(policy, text);

beforeAll(async () => {
  folder = mkdtempSync('/var/tmp/berth-roles-');
  chmodSync(folder, 0o755);
  policy = join(folder, 'policy.json');
  writePolicy(JSON.stringify({ grants: GRANTS }));
  engine = await startEngine({ BERTH_POLICY: policy });
  await engine.loadBusybox();
  for (const team of ['web', 'db']) await engine.docker(['run', '-d', '--name', team, '--label', `team=${team}`, '--network', 'none', 'busybox', 'sleep', '1000']);
  await engine.docker(['create', '--name', 'other-db', '--label', 'team=db', 'busybox']);
});

afterAll(async () => {
  await engine.stop();
  rmSync(folder, { recursive: true });
});

/** What a program prints as another user who may knock at the socket. */
function shellAs(uid: number, script: string): string {
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, `--groups=${statSync(engine.socket).gid}`, '--inh-caps=-all'];
  return spawnSync('setpriv', [...identity, 'sh', '-c', script], { encoding: 'utf8' }).stdout;
}

/** The CLI as another user who may knock at the socket: in its group, and in `groups`. */
function as(uid: number, args: readonly string[], groups: readonly number[] = []): Promise<CliResult> {
  const socket = statSync(engine.socket);
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, `--groups=${[socket.gid, ...groups].join(',')}`];
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', DOCKER_HOST: `unix://${engine.socket}` };
  return new Promise((resolve) => {
    execFile('setpriv', [...identity, process.env['BERTH_DOCKER_CLI'] ?? 'docker', ...args], { env }, (error, stdout, stderr) => resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? 255) })).stdin?.end();
  });
}
/** A connection of another user: the kernel tells the peer who its maker was at the time of connect(2), which Node calls at once. */
function connectAs(uid: number, groups: readonly number[]): Socket {
  const before = process.getgroups?.() ?? [];
  process.setgroups?.([...groups, statSync(engine.socket).gid]);
  process.seteuid?.(uid);
  try {
    return connect({ path: engine.socket });
  } finally {
    process.seteuid?.(0);
    process.setgroups?.(before);
  }
}
/** One request as an operator of team web, of which the test chooses every byte: resolves to all that came back. */
async function raw(...lines: readonly string[]): Promise<string> {
  const socket = connectAs(WEB, [WEB_GROUP]);
  socket.write(lines.join('\r\n'));
  let answer = '';
  for await (const bytes of socket) answer += String(bytes);
  return answer;
}
function webAsks(method: string, path: string, body?: object): Promise<string> {
  const sent = body === undefined ? '' : JSON.stringify(body);
  return raw(`${method} /containers/${path} HTTP/1.1`, 'Host: d', 'Connection: close', ...(sent === '' ? [] : ['Content-Type: application/json']), `Content-Length: ${Buffer.byteLength(sent)}`, '', sent);
}
const asWeb = (...args: readonly string[]): Promise<CliResult> => as(WEB, args, [WEB_GROUP]);
const refused = (why: string): object => ({ code: expect.toSatisfy((code: number) => code > 0), stderr: expect.stringContaining(why) });

interface Entry {
  readonly aggregate: string;
  readonly event: string;
  readonly actor: string;
  readonly details: Readonly<Record<string, unknown>>;
}

const historyOf = async (name: string): Promise<readonly Entry[]> => JSON.parse((await http(engine.socket, 'GET', `/berth/history/${name}`)).text) as Entry[];

test("who may knock at the socket finds no folder of the engine's to write in: root writes there, by names that anybody knows", () => {
  const { runRoot, dataRoot } = engine.settings;
  expect(shellAs(READER, `id -G; find '${runRoot}' '${dataRoot}' -type d -writable 2>/dev/null; ln -s /x '${runRoot}/nats.conf.new' 2>&1`)).toMatch(/^41001 \d+\nln: .*: Permission denied\n$/);
});

test('a reader sees everything and changes nothing', async () => {
  expect((await as(READER, ['ps', '--format', '{{.Names}}'])).stdout.split('\n').filter(Boolean).toSorted()).toEqual(['db', 'web']);
  expect((await as(READER, ['inspect', 'web', '--format', '{{.Name}}'])).stdout.trim()).toBe('/web');
  for (const command of [['stop', 'web'], ['run', '--rm', 'busybox', 'true'], ['exec', 'web', 'true'], ['cp', 'web:/etc/passwd', '-'], ['volume', 'create', 'v'], ['rmi', 'busybox']])
    expect(await as(READER, command), command.join(' ')).toMatchObject(refused('it needs the role operator, and you are a reader'));
});

test('whom the policy does not name may do nothing', async () => {
  expect(await as(STRANGER, ['ps'])).toMatchObject(refused('the policy grants you nothing'));
});

describe('an operator who is held to a label', () => {
  test('touches only what has it', async () => {
    expect(await asWeb('exec', 'web', 'echo', 'hello')).toMatchObject({ code: 0, stdout: 'hello\n' });
    expect(await asWeb('stop', '-t', '0', 'web')).toMatchObject({ code: 0 });
    expect(await asWeb('start', 'web')).toMatchObject({ code: 0 });
    for (const command of [['stop', 'db'], ['exec', 'db', 'true'], ['rm', '-f', 'db'], ['cp', 'db:/etc/passwd', '-'], ['rename', 'db', 'mine'], ['update', '-m', '64m', 'db']])
      expect(await asWeb(...command), command.join(' ')).toMatchObject(refused('container db does not have the label team=web'));
    expect(await asWeb('attach', 'db')).toMatchObject(refused('received 403')); // the CLI reads no further
    expect((await engine.docker(['inspect', 'db', '--format', '{{.State.Status}}'])).stdout.trim()).toBe('running');
  });

  test('makes only what has it, and shares nothing with others', async () => {
    const run = (...args: readonly string[]): Promise<CliResult> => asWeb('run', '--rm', ...args, 'busybox', 'true');
    expect(await run('--network', 'none', '--label', 'team=web')).toMatchObject({ code: 0 });
    expect(await run()).toMatchObject(refused('what you make has to have the label team=web'));
    expect(await run('--label', 'team=web', '--network', 'container:db')).toMatchObject(refused('container db does not have the label team=web'));
    expect(await run('--label', 'team=web', '--pid', 'container:db')).toMatchObject(refused('container db does not have'));
    expect(await run('--label', 'team=web', '--volumes-from', 'db')).toMatchObject(refused('container db does not have'));
    await engine.docker(['volume', 'create', '--label', 'team=db', 'dbdata']);
    expect(await run('--label', 'team=web', '-v', 'dbdata:/d')).toMatchObject(refused('volume dbdata does not have'));
    expect(await asWeb('volume', 'rm', 'dbdata')).toMatchObject(refused('volume dbdata does not have'));
    expect(await asWeb('tag', 'busybox', 'busybox:mine')).toMatchObject(refused("it changes what is everybody's"));
  });

  test('gets no hold of the host', async () => {
    for (const options of [['--privileged'], ['-v', '/etc:/x'], ['--mount', 'type=bind,source=/etc,target=/x'], ['--network', 'host'], ['--pid', 'host'], ['--cap-add', 'SYS_ADMIN'], ['--device', '/dev/null'], ['--security-opt', 'seccomp=unconfined']])
      expect(await asWeb('run', '--rm', '--label', 'team=web', ...options, 'busybox', 'true'), options.join(' ')).toMatchObject(refused('which you are not allowed'));
    const spelled = { image: 'busybox', labels: { team: 'web' }, hostconfig: { PRIVILEGED: true } };
    expect(await webAsks('POST', 'create', spelled)).toMatch(/^HTTP\/1\.1 403 [^]*privileged/);
    expect(await webAsks('POST', 'web/exec', { cmd: ['true'], privileged: true })).toMatch(/^HTTP\/1\.1 403 [^]*privileged/);
    expect(await asWeb('exec', '--privileged', 'web', 'true')).toMatchObject(refused('it asks for privileged'));
    await engine.docker(['run', '-d', '--name', 'strong', '--privileged', '--label', 'team=web', '--network', 'none', 'busybox', 'sleep', '1000']);
    expect(await asWeb('exec', 'strong', 'true')).toMatchObject(refused('container strong has privileged'));
    expect(await asWeb('run', '--rm', '--label', 'team=web', '--network', 'container:strong', '--pid', 'container:strong', 'busybox', 'true')).toMatchObject(refused('container strong has privileged'));
    expect(await asWeb('rm', '-f', 'strong')).toMatchObject({ code: 0 });
  });

  test('gets none by a detour over containers that are in the namespaces of others', async () => {
    const run = (name: string, ...options: readonly string[]) => engine.docker(['run', '-d', '--name', name, '--label', 'team=web', ...options, 'busybox', 'sleep', '1000']);
    await run('on-host', '--network', 'host', '--ipc', 'shareable');
    await run('first', '--network', 'container:on-host');
    await run('second', '--network', 'container:first');
    await run('of-db', '--network', 'none', '--pid', 'container:db');
    for (const joined of ['first', 'second']) {
      expect(await asWeb('exec', joined, 'true')).toMatchObject(refused('container on-host has host-namespaces'));
      expect(await asWeb('run', '--rm', '--label', 'team=web', '--network', `container:${joined}`, 'busybox', 'true')).toMatchObject(refused('container on-host has host-namespaces'));
    }
    expect(await asWeb('exec', 'of-db', 'true')).toMatchObject(refused('container db does not have the label team=web'));
    await engine.docker(['rm', '-f', 'on-host']);
    expect(await asWeb('exec', 'first', 'true')).toMatchObject(refused('which is gone and does not have the label team=web'));
    // Whom it only ends it is not in.
    expect(await asWeb('rm', '-f', 'first', 'second', 'of-db')).toMatchObject({ code: 0 });
  });

  test('removes links of what has it, wherever they lead, and does to whom they lead what it may do there', async () => {
    for (const team of ['web', 'db']) await engine.docker(['create', '--name', `linking-${team}`, '--label', `team=${team}`, '--link', 'other-db:away', '--link', 'db', 'busybox']);
    expect(await asWeb('rm', '--link', 'linking-db/away')).toMatchObject(refused('linking-db'));
    expect(await asWeb('rm', 'linking-web/away')).toMatchObject(refused('other-db'));
    expect(await asWeb('rm', '--link', 'linking-web/away')).toMatchObject({ code: 0 });
    // Any other route means whom the link leads to, whatever else its query says.
    for (const [path, body] of [['kill', undefined], ['rename', undefined], ['exec', { Cmd: ['true'] }], ['update', { Memory: 2 ** 26 }]] as const) {
      expect(await webAsks('POST', `linking-web%2Fdb/${path}?link=1&name=mine`, body), path).toMatch(/^HTTP\/1.1 403 .*container db does not have the label team=web/s);
    }
    await engine.docker(['rm', 'linking-web', 'linking-db']);
  });

  test('shares what was looked at, whoever has its name by the time it is made', async () => {
    await engine.docker(['create', '--name', 'secret', '--label', 'team=db', '--network', 'none', '-v', 'secrets:/secret', 'busybox']);
    await engine.docker(['create', '--name', 'own', '--label', 'team=web', '--network', 'none', '-v', 'owned:/own', 'busybox']);
    const id = (await engine.docker(['inspect', 'secret', '--format', '{{.Id}}'])).stdout.slice(0, 12);
    expect(await asWeb('rename', 'own', id)).toMatchObject({ code: 0 });
    const executor = engine.pid('executor') ?? 0;
    process.kill(executor, 'SIGSTOP'); // it has to tell what this kernel has before a container with such a limit is made
    try {
      const host = { NetworkMode: 'none', VolumesFrom: [`${id}:ro`], PidMode: `container:${id}`, BlkioWeight: 100 };
      const made = webAsks('POST', 'create?name=sharing', { Image: 'busybox', Labels: { team: 'web' }, HostConfig: host });
      // It comes behind: the first has been let in by the time that this one's name is on the log.
      expect(await webAsks('POST', `${id}/rename?name=own`)).toMatch(/^HTTP\/1.1 204 /);
      process.kill(executor, 'SIGCONT');
      expect(await made).toMatch(/^HTTP\/1.1 201 /);
    } finally {
      process.kill(executor, 'SIGCONT');
    }
    const own = (await engine.docker(['inspect', 'own', '--format', '{{.Id}}'])).stdout.trim();
    const shown = (await engine.docker(['inspect', 'sharing', '--format', '{{range .Mounts}}{{.Name}} {{end}}{{.HostConfig.VolumesFrom}} {{.HostConfig.PidMode}}'])).stdout.trim();
    expect(shown).toBe(`owned [${id}:ro] container:${own}`);
    // However a link is written, and whether by name or by the beginning of an id.
    const host = { Links: ['/web:/x/first', `${own.slice(0, 8)}:second`] };
    expect(await webAsks('POST', 'create?name=linking', { Image: 'busybox', Labels: { team: 'web' }, HostConfig: host })).toMatch(/^HTTP\/1.1 201 /);
    expect((await engine.docker(['inspect', 'linking', '--format', '{{.HostConfig.Links}}'])).stdout.trim()).toBe('[/web:/linking/first /own:/linking/second]');
  });

  test('is not helped by a label of an image', async () => {
    await engine.docker(['import', '--change', 'LABEL team=web', '--change', 'CMD ["true"]', '-', 'labelled'], new Uint8Array(1024));
    await engine.docker(['create', '--name', 'labelled', 'labelled', 'true']);
    expect((await engine.docker(['inspect', 'labelled', '--format', '{{.Config.Labels.team}}'])).stdout.trim()).toBe('web');
    expect(await asWeb('rm', 'labelled')).toMatchObject(refused('container labelled does not have'));
  });
});

test('what a grant allows is allowed', async () => {
  expect(await as(OPERATOR, ['run', '--rm', '--network', 'none', '-v', '/etc/hostname:/x:ro', 'busybox', 'cat', '/x'])).toMatchObject({ code: 0 });
  expect(await as(OPERATOR, ['run', '--rm', '--privileged', 'busybox', 'true'])).toMatchObject(refused('it asks for privileged'));
});

describe('it is the parsed request that is decided on', () => {
  const json = ['Host: d', 'Connection: close', 'Content-Type: application/json'];
  const create = (body: string, ...headers: readonly string[]): Promise<string> => raw('POST /v1.41/containers/create HTTP/1.1', ...json, ...headers, '', body);
  const length = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}`;
  const body = (hostConfig: object): string => JSON.stringify({ Image: 'busybox', Labels: { team: 'web' }, HostConfig: hostConfig });

  test('who is held to a label protects and edits what has it, and it keeps it', async () => {
    const ask = (path: string, body: object = {}): Promise<string> => raw(`POST /berth/containers/${path} HTTP/1.1`, ...json, length(JSON.stringify(body)), '', JSON.stringify(body));
    expect(await ask('web/protect')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('web/unprotect')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('db/protect')).toMatch(/^HTTP\/1.1 403 .*does not have the label team=web/s);
    expect(await ask('web/edit', { setEnv: ['A=b'] })).toMatch(/^HTTP\/1.1 200 .*"version":2/s);
    expect(await ask('web/edit', { unsetLabels: ['team'] })).toMatch(/^HTTP\/1.1 403 .*has to keep the label team=web/s);
    expect(await ask('web/edit', { binds: ['/etc:/etc'] })).toMatch(/^HTTP\/1.1 403 .*asks for bind-mounts/s);
    expect(await ask('db/edit', { setEnv: ['A=b'] })).toMatch(/^HTTP\/1.1 403 .*does not have the label team=web/s);
    expect(await ask('web/revert')).toMatch(/^HTTP\/1.1 403 .*needs the role admin/s);
  });

  test('a body without a length, or with a length of zero, is still a body', async () => {
    const privileged = body({ Privileged: true });
    const chunk = `${Buffer.byteLength(privileged).toString(16)}\r\n${privileged}\r\n0\r\n\r\n`;
    expect(await create(privileged, length(privileged))).toMatch(/^HTTP\/1.1 403 .*asks for privileged/s);
    expect(await create(chunk, 'Transfer-Encoding: chunked')).toMatch(/^HTTP\/1.1 403 .*asks for privileged/s);
    expect(await create(chunk, 'Transfer-Encoding: chunked', 'Content-Length: 0')).toMatch(/^HTTP\/1.1 400 /);
    expect(await create(privileged, 'Content-Length: 0')).toMatch(/^HTTP\/1.1 400 /);
  });

  test('an oversized body is refused whole', async () => {
    const large = JSON.stringify({ Image: 'busybox', Labels: { team: 'web', filler: 'x'.repeat(5 * 1024 * 1024) }, HostConfig: { Privileged: true } });
    expect(await create('', length(large))).toMatch(/^HTTP\/1.1 413 /);
  });

  test('the last of two fields counts, for the decision and for what is done', async () => {
    const doubled = '{"Image":"busybox","Labels":{"team":"web"},"HostConfig":{"Privileged":false},"HostConfig":{"Privileged":true}}';
    expect(await create(doubled, length(doubled))).toMatch(/^HTTP\/1.1 403 .*asks for privileged/s);
  });

  test.each(['/containers/db/stop', '/v1.41/containers/db/stop', '/v1.41//containers/db/stop', '/v1.41/containers/%64%62/stop', '/containers/db/stop?t=0', '/containers/web/../db/stop', '/v1.41/containers/web%2f..%2fdb/stop'])(
    'however a path is written, it is the container that counts: %s',
    async (path) => {
      // One that is not clean is another's answer to have: where it leads to, the same counts.
      const post = (to: string): Promise<string> => raw(`POST ${to} HTTP/1.1`, ...json, 'Content-Length: 0', '', '');
      const answer = await post(path);
      const [, cleaned] = /^HTTP\/1.1 301 .*^location: (\S+)$/ims.exec(answer) ?? [];
      expect(cleaned === undefined ? answer : await post(cleaned)).toMatch(/^HTTP\/1.1 40[34] /);
      expect((await engine.docker(['inspect', 'db', '--format', '{{.State.Status}}'])).stdout.trim()).toBe('running');
    },
  );

  test('an upgrade goes through the same door', async () => {
    expect(await raw('POST /containers/db/attach?stream=1&stdin=1 HTTP/1.1', 'Host: d', 'Upgrade: tcp', 'Connection: Upgrade', '', '')).toMatch(/^HTTP\/1.1 403 .*does not have the label team=web/s);
  });
});

test('refusals are events, of the caller and of the container', async () => {
  const { id } = JSON.parse((await engine.docker(['inspect', 'db', '--format', '{"id":"{{.Id}}"}'])).stdout) as { readonly id: string };
  const history = await historyOf('db');
  const refusals = history.filter(({ event }) => event === 'AccessRefused');
  expect(refusals.length).toBeGreaterThan(0);
  expect(refusals[0]).toMatchObject({ aggregate: 'access', actor: expect.stringMatching(/^uid:41002 pid:\d+$/), details: { container: id, by: 'policy', reason: expect.stringContaining('team=web') } });
  const reader = await historyOf(`uid:${READER}`);
  expect(reader.map(({ details }) => details.route)).toContain('POST /containers/:id/stop');
});

test('SIGHUP reads the policy again; one with a slip changes nothing', async () => {
  const supervisor = engine.pid('supervisor') ?? 0;
  const logged = async (what: string): Promise<void> => expect.poll(() => readFileSync(join(engine.settings.dataRoot, 'logs/engine.log'), 'utf8'), { timeout: 10_000 }).toContain(what);
  writePolicy('{"grants": [{"to": {"uid": 0}, "role": "boss"}]}');
  process.kill(supervisor, 'SIGHUP');
  await logged('grants[0].role is \\"boss\\"');
  expect(await as(READER, ['ps'])).toMatchObject({ code: 0 });
  writePolicy(JSON.stringify({ grants: [{ to: { uid: 0 }, role: 'admin' }] }));
  process.kill(supervisor, 'SIGHUP');
  await logged('read again: policy');
  expect(await as(READER, ['ps'])).toMatchObject(refused('the policy grants you nothing'));
});

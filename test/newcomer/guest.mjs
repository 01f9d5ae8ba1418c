// What a newcomer does, on the machine that run.mjs made: Debian's Node, npm and git, nothing else. Runs as root in it; ends with 1 and what was found at the first surprise.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const [source] = process.argv.slice(2);
const CLONE = '/srv/berth'; // where others may read, too
const SOCKET = '/run/berth/docker.sock';

function say(text) {
  console.log(`newcomer: ${text}`);
}

function expect(what, holds, found = '') {
  if (!holds) throw new Error(`${what}: it is not so\n${found}`);
  say(`  ${what}`);
}

/** Runs npm in the clone, as a person would; resolves to what it said, its exit code and how long it took. Its own process: servers of ours go on meanwhile. */
function npm(args, { environment = {}, before = [] } = {}) {
  const start = Date.now();
  const [program, ...rest] = [...before, 'npm', ...args];
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, { cwd: CLONE, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
    child.once('error', reject);
    // Not "close": the engine goes on with what it was given.
    child.once('exit', (code) => resolve({ code, said, seconds: (Date.now() - start) / 1000 }));
  });
}

async function refused(what, words, options) {
  const { code, said } = await npm(['start'], options);
  expect(`${what}: "${words}", and a failure`, code !== 0 && said.includes(words), said);
}

async function whileListening(address, work) {
  const server = createServer().listen(address);
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  try {
    await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const output = (program, ...args) => spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '';
const bridgeIsThere = () => existsSync('/sys/class/net/berth0');
const tableIsThere = () => /table \S+ berth$/m.test(output('nft', 'list', 'tables'));
/** The parents of containers' cgroups that are empty: others may belong to another engine. */
const cgroupsLeft = () =>
  output('find', '/sys/fs/cgroup', '-maxdepth', '2', '-name', 'docker', '-type', 'd')
    .split('\n')
    .filter((path) => path && output('find', path, '-mindepth', '1', '-type', 'd') === '');

say(`Node ${process.version}, npm ${output('npm', '--version').trim()}, ${readFileSync('/etc/debian_version', 'utf8').trim()}`);
const cloned = spawnSync('git', ['clone', '--quiet', source, CLONE], { encoding: 'utf8' });
expect('git clone', cloned.status === 0, cloned.stderr);

say('npm start, as somebody else than root');
await refused('not root', 'this needs root', { before: ['setpriv', '--reuid=65534', '--clear-groups'], environment: { HOME: '/tmp' } });

say('npm start, for the first time');
const first = await npm(['start']);
expect(`it succeeds (${first.seconds} s)`, first.code === 0, first.said);
for (const words of ['berth: installing gcc (for the addon)', 'installing npm packages', 'compiling the shim', 'fetching nats-server from a newer Debian', 'building a tiny image', 'Hello from Berth', `ready at unix://${SOCKET}`, 'docker run'])
  expect(`it says: ${words}`, first.said.includes(words), first.said);

try {
  say('npm start, for the second time');
  const second = await npm(['start']);
  expect(`it takes seconds (${second.seconds} s)`, second.code === 0 && second.seconds < 10 && second.said.includes('Hello from Berth'), second.said);

  say('npm stop, and what runs on');
  const { demand } = await import(join(CLONE, 'services/engine/setup/engine-api.mjs'));
  const ask = async (method, path, body) => JSON.parse((await demand(SOCKET, method, path, body)).toString() || 'null');
  const { Id: id } = await ask('POST', '/containers/create?name=sleeper', { Image: 'busybox', Cmd: ['sleep', '1000'] });
  await ask('POST', `/containers/${id}/start`);
  const { State: { Pid: pid } } = await ask('GET', `/containers/${id}/json`);
  const stopped = await npm(['stop']);
  expect('the engine is stopped', stopped.code === 0 && !existsSync('/run/berth/pids/engine'), stopped.said);
  expect('the container runs on', existsSync(`/proc/${pid}`));

  say('what is in the way of a start');
  await whileListening({ port: 9323, host: '127.0.0.1' }, () => refused('a port is taken', 'port 9323 of 127.0.0.1 is taken by something else'));
  rmSync(SOCKET, { force: true });
  await whileListening(SOCKET, () => refused('the socket is taken', `something else listens on ${SOCKET}`));
  await refused('no cgroups', 'no cgroup controllers', { before: ['unshare', '--mount', 'sh', '-c', 'busybox mount -t tmpfs none /sys/fs/cgroup && exec "$@"', 'sh'] });
  await refused('a setting that cannot be', 'BERTH_SUBNET', { environment: { BERTH_SUBNET: 'nonsense' } });

  say('npm start, with a container that ran on');
  const third = await npm(['start']);
  expect('it succeeds', third.code === 0, third.said);
  expect('the container is the same', (await ask('GET', `/containers/${id}/json`)).State.Pid === pid);
} finally {
  say('npm stop -- --all');
  const all = await npm(['stop', '--', '--all']);
  expect('it succeeds', all.code === 0, all.said);
}
expect('no bridge is left', !bridgeIsThere());
expect('no firewall table is left', !tableIsThere());
expect('no cgroup is left', cgroupsLeft().length === 0, cgroupsLeft().join('\n'));

say('a service that does not come up');
// The log's folder cannot be made where a file is.
mkdirSync('/root/broken', { recursive: true });
writeFileSync('/root/broken/nats', '');
await refused('nats-server cannot write', 'nats', { environment: { BERTH_DATA_ROOT: '/root/broken' } });
await npm(['stop'], { environment: { BERTH_DATA_ROOT: '/root/broken' } });
say('all as it should be');

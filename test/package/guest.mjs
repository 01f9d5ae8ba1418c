// In the machine, on any Node from 18: the package is installed, a container run, the package upgraded under it, removed, installed again and purged.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { get } from 'node:http';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const SHARED = '/shared';
const PORT = 8080;
const [before, after] = process.argv.slice(2);
const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', DOCKER_HOST: 'unix:///run/berth/docker.sock' };
const started = Date.now();

function tell(text) {
  console.log(`${((Date.now() - started) / 1000).toFixed(0)} s: ${text}`);
}
const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'inherit'] }).trim();
const docker = (...args) => run(`${SHARED}/docker`, ...args);
const property = (unit, name) => run('systemctl', 'show', '--value', '--property', name, unit);
const packageFile = (version) => `${SHARED}/${readdirSync(SHARED).find((name) => name.startsWith(`berth_${version}_`))}`;

try {
  copyFileSync(`${SHARED}/nats-server`, '/usr/local/sbin/nats-server');
  run('apt-get', '-q', 'update');
  run('apt-get', '-q', '-y', 'install', '--no-install-recommends', packageFile(before));
  tell('installed');
  assert.equal(property('berth.socket', 'ActiveState'), 'active');
  docker('load', '--quiet', '--input', `${SHARED}/busybox.tar`); // waits in the socket until the engine is there
  tell('the socket unit answers');
  run('systemctl', 'start', 'berth.service'); // returns when it says that it is ready
  assert.equal(property('berth.service', 'ActiveState'), 'active');

  docker('run', '-d', '--name', 'web', '-p', `${PORT}:80`, 'busybox', 'sh', '-c', 'echo here > /tmp/index.html; httpd -p 80 -h /tmp; i=0; while :; do echo $i; i=$((i+1)); sleep 0.2; done');
  const state = () => docker('inspect', '--format', '{{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}', 'web');
  const first = state();
  const mainPid = property('berth.service', 'MainPID');
  const probe = startProbe();
  while (probe.answers < 5) await sleep(100);
  probe.failures.length = 0; // before httpd listened
  tell(`a container runs (pid, start, restarts: ${first})`);

  await promisify(execFile)('dpkg', ['-i', packageFile(after)], { env: environment });
  assert.equal(run('dpkg-query', '-W', '-f', '${Version}', 'berth'), after);
  assert.equal(property('berth.service', 'ActiveState'), 'active');
  assert.notEqual(property('berth.service', 'MainPID'), mainPid);
  assert.equal(state(), first);
  assert.equal(docker('exec', 'web', 'echo', 'in'), 'in');
  await sleep(2_000);
  await probe.stop();
  assert.deepEqual(probe.failures, []);
  const lines = docker('logs', 'web').split('\n');
  assert.deepEqual(lines, lines.map((_, index) => String(index)));
  tell(`upgraded: ${probe.answers} answers of the container, none failed; ${lines.length} lines of log, none missing`);

  run('systemctl', 'reload', 'berth.service');
  docker('rm', '-f', 'web');
  run('apt-get', '-q', '-y', 'remove', 'berth');
  assert.ok(!existsSync('/run/berth/docker.sock'));
  tell('removed');

  // Of a package that is removed dpkg knows the version still: it must not take this for an upgrade.
  run('dpkg', '-i', packageFile(after));
  assert.match(property('berth.service', 'ActiveState'), /^activ(e|ating)$/);
  assert.equal(property('berth.socket', 'ActiveState'), 'active');
  docker('version'); // waits in the socket until the engine is there
  for (const unit of ['berth.socket', 'berth.service']) assert.equal(property(unit, 'UnitFileState'), 'enabled');
  assert.match(docker('images'), /busybox/);
  run('apt-get', '-q', '-y', 'purge', 'berth');
  for (const unit of ['berth.socket', 'berth.service']) assert.equal(property(unit, 'LoadState'), 'not-found');
  for (const target of ['sockets', 'multi-user']) assert.deepEqual(readdirSync(`/etc/systemd/system/${target}.target.wants`).filter((name) => name.includes('berth')), []);
  tell('installed again, and purged');
} catch (error) {
  console.error(error);
  for (const command of ['systemctl status --no-pager -l berth.socket berth.service', 'journalctl --no-pager -n 60 -u berth.service', 'tail -n 15 /var/lib/berth/logs/*.log']) {
    try {
      console.error(run('sh', '-c', `${command}; true`));
    } catch {
      // The first failure is the one to tell.
    }
  }
  process.exit(1);
}

/** Asks the container's published port over and over, each time on a connection of its own. */
function startProbe() {
  const address = Object.values(networkInterfaces()).flat().find(({ family, internal, address: own }) => family === 'IPv4' && !internal && !own.startsWith('172.17.')).address;
  const probe = { answers: 0, failures: [], stop: undefined };
  let going = true;
  const done = (async () => {
    while (going) {
      await ask(`http://${address}:${PORT}/index.html`).then(() => (probe.answers += 1), (error) => probe.failures.push(String(error)));
      await sleep(100);
    }
  })();
  probe.stop = async () => {
    going = false;
    await done;
  };
  return probe;
}

function ask(url) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 20_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => (body === 'here\n' ? resolve() : reject(new Error(`answered ${response.statusCode} ${body}`))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer'))).on('error', reject);
  });
}

import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('top shows the processes of the container alone, by their pids on the host', async () => {
  await docker('run', '-d', '--name', 'watched', '--network', 'none', 'busybox', 'sh', '-c', 'sleep 1000 & exec sleep  2000');
  await docker('run', '-d', '--name', 'other', '--network', 'none', 'busybox', 'sleep', '3000');
  const pid = (await docker('inspect', '-f', '{{.State.Pid}}', 'watched')).stdout.trim();
  const lines = (await docker('top', 'watched')).stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
  expect(lines.slice(1).map((line) => line.replace(/ +/g, ' ').split(' ').slice(7).join(' ').trim()).sort()).toEqual(['sleep 1000', 'sleep 2000']);
  expect((await docker('top', 'watched', '-o', 'pid,comm')).stdout).toMatch(new RegExp(`^PID +COMMAND\\n${pid} +sleep`));
  expect((await docker('top', 'watched', '-o', 'nosuch')).stderr).toContain('unknown user-defined format specifier "nosuch"');
  // No arguments choose others: not where a choice of ps's own goes together with none but itself, and not by what a column calls itself or where it is.
  expect((await docker('top', 'watched', 'axf')).stdout.trim().split('\n').slice(1).map((line) => line.replace(/.* sleep +/, 'sleep ')).sort()).toEqual(['sleep 1000', 'sleep 2000']);
  expect((await docker('top', 'watched', '-C', 'nosuch', '-N', '-o', 'args,pid')).stdout.replace(/ +/g, ' ')).toMatch(/^COMMAND PID\nsleep 2000 \d+\nsleep 1000 \d+\n$/);
  expect((await docker('top', 'watched', 'meww', '-C', 'nosuch', '-N', '-o', 'lwp,pid,args')).stdout.trim().split('\n').filter((line) => /^\d+ +-/.test(line))).toHaveLength(2);
  expect((await docker('top', 'watched', 'meww', '-C', 'nosuch', '-N', '-olwp=PID,args')).stderr).toContain('specifying "-olwp=PID,args" is not allowed');
  const { stdout } = await docker('events', '--since', '1', '--until', String(Math.ceil(Date.now() / 1000)), '--filter', 'event=top', '--format', '{{.Actor.Attributes.name}}');
  expect(stdout).toMatch(/^watched\n/);
  await docker('rm', '-f', 'watched', 'other');
});

test('stats tell what busy, idle and stopped containers use', async () => {
  await docker('run', '-d', '--name', 'busy', '--memory', '64m', 'busybox', 'sh', '-c', 'while :; do :; done');
  await docker('run', '-d', '--name', 'idle', '--network', 'none', 'busybox', 'sleep', '1000');
  await docker('create', '--name', 'never', 'busybox', 'true');
  const { stdout } = await docker('stats', '--no-stream', '--all', '--format', '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}');
  const rows = new Map(stdout.trim().split('\n').map((line) => [line.split(' ')[0], line]));
  // Others use this machine, too.
  expect(Number.parseFloat(rows.get('busy')?.split(' ')[1] ?? '')).toBeGreaterThan(5);
  expect(rows.get('busy')).toMatch(/ \/ 64MiB [1-9][\d.]*k?B \/ \S+ 1$/);
  expect(Number.parseFloat(rows.get('idle')?.split(' ')[1] ?? '')).toBeLessThan(5);
  expect(rows.get('idle')).toMatch(/ 0B \/ 0B 1$/);
  expect(rows.get('never')).toMatch(/ 0\.00% 0B \/ 0B 0B \/ 0B 0$/);
  await docker('rm', '-f', 'busy', 'idle', 'never');
}, patience(30_000));

test('stats of a container in the network of another tell of that one\'s traffic, also when it was lent on, and to another executor', async () => {
  const networks = async (name: string) => Object.keys((JSON.parse((await http(engine.socket, 'GET', `/containers/${name}/stats?stream=false&one-shot=1`)).text) as { networks?: object }).networks ?? {});
  await docker('run', '-d', '--name', 'owner', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'guest', '--network', 'container:owner', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'further', '--network', 'container:guest', 'busybox', 'sleep', '1000');
  await docker('run', '-d', '--name', 'hosted', '--network', 'host', 'busybox', 'sleep', '1000');
  for (const [name, expected] of [['owner', ['eth0']], ['guest', ['eth0']], ['further', ['eth0']], ['hosted', []]] as const) expect(await networks(name), name).toEqual(expected);
  await engine.down();
  await engine.up();
  expect(await networks('further')).toEqual(['eth0']);
  await docker('rm', '-f', 'owner', 'guest', 'further', 'hosted');
}, patience(60_000));

test('a stream of stats tells the previous reading with each, and ends when the container is removed', async () => {
  await docker('run', '-d', '--name', 'gone', '--network', 'none', 'busybox', 'sleep', '1000');
  const stream = http(engine.socket, 'GET', '/containers/gone/stats');
  await http(engine.socket, 'GET', '/containers/gone/stats?stream=0'); // two readings later
  await docker('rename', 'gone', 'renamed');
  await http(engine.socket, 'GET', '/containers/renamed/stats?stream=0');
  await docker('rm', '-f', 'renamed');
  const documents = (await stream).text.trim().split('\n').map((line) => JSON.parse(line) as { name: string; read: string; preread: string; precpu_stats: { cpu_usage: { total_usage: number } } });
  expect([documents[0]?.name, documents.at(-1)?.name]).toEqual(['/gone', '/renamed']);
  expect(documents.length).toBeGreaterThanOrEqual(2);
  expect(documents[0]?.preread).toBe('0001-01-01T00:00:00Z');
  expect(documents[1]?.preread).toBe(documents[0]?.read);
  expect(documents[1]?.precpu_stats.cpu_usage.total_usage).toBeGreaterThan(0);
}, patience(30_000));

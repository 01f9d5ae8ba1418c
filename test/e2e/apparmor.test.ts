import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

const PARSER = '/sbin/apparmor_parser';
const PROFILES = '/sys/kernel/security/apparmor/profiles';
const HAS_APPARMOR = existsSync(PROFILES) && existsSync(PARSER);

let engine: TestEngine;
let given: Disposable;
beforeAll(async () => {
  given = giveSubordinateIds({ 'berth-test': '800000:131072' });
  engine = await startEngine({ BERTH_USERNS_PRIVATE: 'berth-test' });
  await engine.loadBusybox();
}, patience(120_000));
afterAll(async () => {
  given[Symbol.dispose]();
  await engine?.stop();
}, patience(60_000));

const docker = (...args: string[]) => engine.docker(args);
const run = (options: readonly string[], ...command: string[]) => docker('run', '--rm', '--network', 'none', ...options, 'busybox', ...command);
const shownProfile = async (name: string): Promise<string> => (await docker('inspect', '--format', '{{.AppArmorProfile}}', name)).stdout.trim();

test.skipIf(HAS_APPARMOR)('a host without AppArmor confines nobody, whatever is asked for, as with dockerd', async () => {
  await docker('create', '--name', 'asked', '--network', 'none', '--security-opt', 'apparmor=mine', 'busybox', 'true');
  expect(await shownProfile('asked')).toBe('mine');
  expect(await docker('start', '-a', 'asked')).toMatchObject({ code: 0, stderr: '' });
  expect(await shownProfile('asked')).toBe('');
  expect((await docker('info', '--format', '{{.SecurityOptions}}')).stdout).not.toContain('apparmor');
});

describe.skipIf(!HAS_APPARMOR)('where the kernel has AppArmor', () => {
  const CURRENT = ['cat', '/proc/self/attr/apparmor/current'];
  const CONFINED = 'docker-default (enforce)\n';
  const profiles = (): readonly string[] => readFileSync(PROFILES, 'utf8').split('\n');
  const parse = (action: '--replace' | '--remove', profile: string): void => void execFileSync(PARSER, ['--skip-cache', action], { input: profile, stdio: 'pipe' });
  const named = (name: string, ...rules: string[]): string => `profile ${name} flags=(attach_disconnected,mediate_deleted) { file, capability, network, signal, ${rules.join(' ')} }\n`;

  test.each<readonly [what: string, options: readonly string[], profile: string]>([
    ['a container', [], CONFINED],
    ['one that gains no privileges', ['--security-opt', 'no-new-privileges'], CONFINED],
    ['one of another user', ['--user', '1000:1000'], CONFINED],
    ['one in a user namespace of its own', ['--label', 'berth.userns=private'], CONFINED],
    ['one with an init', ['--init'], CONFINED],
    ['one that asks for it', ['--security-opt', 'apparmor=docker-default'], CONFINED],
    ['a privileged one that asks for it', ['--privileged', '--security-opt', 'apparmor=docker-default'], CONFINED],
    ['a privileged one', ['--privileged'], 'unconfined\n'],
    ['one that asks for none', ['--security-opt', 'apparmor=unconfined'], 'unconfined\n'],
  ])('%s is confined as it is with dockerd', async (_, options, profile) => {
    expect(await run(options, ...CURRENT)).toMatchObject({ code: 0, stdout: profile });
  });

  test('an exec has its container\'s profile, a privileged one, too', async () => {
    await docker('run', '-d', '--name', 'confined', '--network', 'none', 'busybox', 'sleep', '1000');
    await docker('run', '-d', '--name', 'free', '--network', 'none', '--security-opt', 'apparmor=unconfined', 'busybox', 'sleep', '1000');
    await docker('run', '-d', '--name', 'mapped', '--network', 'none', '--label', 'berth.userns=private', 'busybox', 'sleep', '1000');
    expect((await docker('exec', 'confined', ...CURRENT)).stdout).toBe(CONFINED);
    expect((await docker('exec', '--privileged', 'confined', ...CURRENT)).stdout).toBe(CONFINED);
    expect((await docker('exec', 'mapped', ...CURRENT)).stdout).toBe(CONFINED);
    expect((await docker('exec', 'free', ...CURRENT)).stdout).toBe('unconfined\n');
    expect(await run(['--pid', 'container:confined'], ...CURRENT)).toMatchObject({ stdout: CONFINED });
    expect(await Promise.all(['confined', 'mapped', 'free'].map(shownProfile))).toEqual(['docker-default', 'docker-default', 'unconfined']);
  });

  test('what it may not is refused whatever capabilities it has, and is not when it is unconfined', async () => {
    // What the kernel says today is written again: a test that fails changes nothing.
    const admin = ['--cap-add', 'SYS_ADMIN'];
    const write = ['sh', '-c', 'umount /proc/sys && f=/proc/sys/kernel/panic_on_oops && v=$(cat $f) && echo $v > $f'];
    const mount = ['sh', '-c', 'mkdir -p /mnt && mount -t tmpfs none /mnt'];
    expect(await run(admin, ...write)).toMatchObject({ code: 1, stderr: expect.stringContaining('Permission denied') as string });
    expect(await run(admin, ...mount)).toMatchObject({ code: 255, stderr: expect.stringContaining('Permission denied') as string });
    const free = [...admin, '--security-opt', 'apparmor=unconfined'];
    expect(await run(free, ...write)).toMatchObject({ code: 0, stderr: '' });
    expect(await run(free, ...mount)).toMatchObject({ code: 0, stderr: '' });
  });

  test('its own processes signal and trace each other, and the engine ends them', async () => {
    expect(await run([], 'sh', '-c', 'sleep 1000 & kill $! && wait $!; echo $?')).toMatchObject({ stdout: '143\n' });
    expect(await run([], 'sh', '-c', 'sleep 1000 & ls -l /proc/$!/root | grep -o "> /"')).toMatchObject({ stdout: '> /\n' });
    await docker('run', '-d', '--name', 'stopped', '--network', 'none', 'busybox', 'sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done');
    await docker('stop', '-t', '120', 'stopped');
    expect((await docker('inspect', '--format', '{{.State.ExitCode}}', 'stopped')).stdout).toBe('7\n');
  });

  test('a profile of the host\'s own is obeyed while it is loaded, and refused when it is not', async () => {
    const name = `berth-test-${process.pid}`;
    const asked = ['--security-opt', `apparmor=${name}`];
    const missing = await run(asked, 'true');
    // 127 is what the CLI makes of these words.
    expect(missing).toMatchObject({ code: 127, stderr: expect.stringContaining('unable to apply apparmor profile: apparmor failed to apply profile: write /proc/self/attr/apparmor/exec: no such file or directory') as string });
    parse('--replace', named(name, 'deny /etc/passwd r,'));
    try {
      expect(await run(asked, ...CURRENT)).toMatchObject({ stdout: `${name} (enforce)\n` });
      expect(await run(asked, 'cat', '/etc/passwd')).toMatchObject({ code: 1, stderr: expect.stringContaining('Permission denied') as string });
      await docker('run', '-d', '--name', 'own', '--network', 'none', ...asked, 'busybox', 'sleep', '1000');
      expect((await docker('exec', 'own', ...CURRENT)).stdout).toBe(`${name} (enforce)\n`);
      expect(await shownProfile('own')).toBe(name);
      await docker('rm', '-f', 'own');
    } finally {
      parse('--remove', named(name));
    }
  });

  /** Takes docker-default away from the host. */
  const lose = (): void => {
    parse('--remove', named('docker-default'));
    expect(profiles().filter((line) => line.startsWith('docker-default '))).toEqual([]);
  };

  test('docker-default is loaded again when the host has lost it', async () => {
    expect((await docker('info', '--format', '{{.SecurityOptions}}')).stdout).toContain('name=apparmor');
    expect(profiles()).toContain('docker-default (enforce)');
    await docker('run', '-d', '--name', 'old', '--network', 'none', 'busybox', 'sleep', '1000');
    lose();
    expect(await run([], ...CURRENT)).toMatchObject({ stdout: CONFINED });
    lose();
    expect((await docker('exec', 'old', ...CURRENT)).stdout).toBe(CONFINED);
  });

  test('where it cannot be loaded, no container starts without it that did not ask to', async () => {
    lose();
    const other = await startEngine({}, 'mount --bind /bin/false /sbin/apparmor_parser');
    try {
      await other.loadBusybox();
      const start = (...options: string[]) => other.docker(['run', '--rm', '--network', 'none', ...options, 'busybox', ...CURRENT]);
      expect(await start()).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('AppArmor enabled on system but the docker-default profile could not be loaded') as string });
      expect(await start('--security-opt', 'apparmor=unconfined')).toMatchObject({ code: 0, stdout: 'unconfined\n' });
    } finally {
      await other.stop();
    }
    expect(await run([], ...CURRENT)).toMatchObject({ stdout: CONFINED });
  }, patience(120_000));
});

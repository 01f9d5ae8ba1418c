import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PrivateDockerd, startDockerd } from '../bench/private-dockerd.js';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { probeImage, type ProbeReport } from './probe-report.js';

const DOCKERD = '/usr/sbin/dockerd';
const USER = 'games';

/** The same ids for an engine and a dockerd, whose answers are compared. */
describe.skipIf(!existsSync(DOCKERD))('with userns-remap, as dockerd', () => {
  let given: Disposable;
  let engine: TestEngine;
  let dockerd: PrivateDockerd;
  beforeAll(async () => {
    given = giveSubordinateIds({ [USER]: '1100000:65536' });
    engine = await startEngine({ BERTH_USERNS_REMAP: USER });
    dockerd = await startDockerd(DOCKERD, ['--userns-remap', USER]);
    const image = await probeImage();
    for (const loaded of [await engine.docker(['load', '--quiet'], image), await theirs(['load', '--quiet'], image)]) expect(loaded).toMatchObject({ code: 0 });
  }, patience(300_000));
  afterAll(async () => {
    given[Symbol.dispose]();
    await dockerd?.stop();
    await engine?.stop();
  }, patience(180_000));

  function theirs(args: readonly string[], input: Uint8Array = new Uint8Array()): Promise<CliResult> {
    return new Promise((resolve) => {
      const child = execFile(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['--host', `unix://${dockerd.socket}`, ...args], { maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
        resolve({ stdout, stderr, code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255 }),
      );
      child.stdin?.end(input);
    });
  }
  const both = (...args: string[]): Promise<readonly [CliResult, CliResult]> => Promise.all([engine.docker(args), theirs(args)]);

  test.each(['--privileged', '--network=host', '--pid=host', '--cgroupns=host', '--uts=host', '--userns=host --network=host', '--userns=host --pid=host'])('%s is answered alike', async (options) => {
    const [own, other] = await both('run', '--rm', ...options.split(' '), 'probe', 'cat', '/proc/self/uid_map');
    expect(own).toEqual(other);
  });

  test('who joins another is in its user namespace', async () => {
    for (const docker of [both('run', '-d', '--name', 'owner', '--network', 'none', '--ipc', 'shareable', 'probe', 'sleep', '1000'), both('run', '-d', '--name', 'hosted', '--network', 'none', '--ipc', 'shareable', '--userns', 'host', 'probe', 'sleep', '1000')])
      for (const made of await docker) expect(made).toMatchObject({ code: 0 });
    const namespaces = 'for i in user pid ipc net mnt; do [ "$(readlink /proc/1/ns/$i)" = "$(readlink /proc/self/ns/$i)" ] && echo $i; done; cat /proc/self/uid_map; ls /sys/class/net; stat -c %u /proc/1 /dev/shm';
    for (const options of [['--pid', 'container:owner'], ['--pid', 'container:owner', '--ipc', 'container:owner'], ['--pid', 'container:hosted', '--userns', 'host'], ['--pid', 'container:owner', '--network', 'container:owner']]) {
      const [own, other] = await both('run', '--rm', ...(options.includes('--network') ? [] : ['--network', 'none']), '--cap-add', 'SYS_PTRACE', ...options, 'probe', 'sh', '-c', namespaces);
      expect(own, options.join(' ')).toEqual(other);
      expect(own.stdout).toContain('pid\n');
    }
    await both('rm', '-f', 'owner', 'hosted');
  });

  test('ids, owners and rights are the same', async () => {
    const script = 'id; cat /proc/self/uid_map /proc/self/gid_map; stat -c "%n %u:%g" / /bin /etc/hosts /dev /dev/null /proc /proc/self /sys; grep Cap /proc/self/status; touch /new && stat -c %u /new';
    const [own, other] = await both('run', '--rm', '--network', 'none', 'probe', 'sh', '-c', script);
    // Its nodes are made, those of dockerd bound from the host, where they are nobody's.
    const alike = (text: string): string => text.replace('/dev/null 0:0', '/dev/null 65534:65534');
    expect(alike(own.stdout)).toBe(other.stdout);
  });

  test('info tells of it', async () => {
    const [own, other] = await both('info', '--format', '{{json .SecurityOptions}}');
    expect(own.stdout.includes('name=userns')).toBe(other.stdout.includes('name=userns'));
  });

  test('nothing below /proc and /sys can be written that cannot be with dockerd', async () => {
    const [own, other] = await both('run', '--rm', '--network', 'none', 'probe', '/probe', 'walk');
    const writable = ({ stdout }: CliResult): readonly string[] => ((JSON.parse(stdout) as ProbeReport).writable ?? []).map((path) => path.replaceAll(/\/\d+(?=\/|$)/g, '/N'));
    const allowed = new Set(writable(other));
    expect(writable(own).filter((path) => !allowed.has(path))).toEqual([]);
    expect(writable(own).length).toBeGreaterThan(5); // the walk saw something
  });
});

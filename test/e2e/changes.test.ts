import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

describe.each(['overlay2', 'vfs'])('docker diff with the storage driver %s', (driver) => {
  let engine: TestEngine;
  const docker = (...args: string[]) => engine.docker(args);
  beforeAll(async () => {
    engine = await startEngine({ BERTH_STORAGE_DRIVER: driver });
    await engine.loadBusybox();
  }, patience(60_000));
  afterAll(() => engine?.stop(), patience(60_000));

  test('tells what came, what is another, what is gone, and in which directories', async () => {
    await docker('run', '--name', 'many', '--network', 'none', '-v', 'kept:/volume', 'busybox', 'sh', '-c', 'mkdir -p /a/b; touch /a/b/c; echo z >> /etc/passwd; rm /bin/ls; chmod 701 /root; rm -r /var; mkdir /var; touch /var/x; touch /tmp/gone; rm /tmp/gone; touch /volume/inside');
    expect((await docker('diff', 'many')).stdout.split('\n')).toEqual(['A /a', 'A /a/b', 'A /a/b/c', 'C /bin', 'D /bin/ls', 'C /etc', 'C /etc/passwd', 'C /root', 'C /var', 'A /var/x', 'A /volume', '']);
  });

  test('of one that wrote nothing, running or never run, is empty', async () => {
    await docker('run', '-d', '--name', 'still', '--network', 'none', 'busybox', 'sleep', '1000');
    await docker('create', '--name', 'never', '--network', 'none', 'busybox', 'true');
    // What tells programs that they are in a container, and of its mounts, is nobody's change.
    expect((await docker('exec', 'still', 'sh', '-c', 'stat -c "%n %a %u %s" /.dockerenv; readlink /etc/mtab')).stdout).toBe('/.dockerenv 755 0 0\n/proc/mounts\n');
    expect(await docker('diff', 'still')).toMatchObject({ stdout: '', code: 0 });
    expect(await docker('diff', 'never')).toMatchObject({ stdout: '', code: 0 });
    expect((await docker('diff', 'nobody')).stderr).toContain('No such container: nobody');
  });

  test('looks at what symlinks are, never where they lead, at names of any bytes, and below a thing that was another', async () => {
    const script = 'ln -s / /out; rm -r /home; ln -s /etc /home; rm /etc/group; mkdir /etc/group; touch /etc/group/x; cd /tmp; touch "$(printf "a\\nb")"; mkdir .wh.x; mknod zero c 0 0';
    await docker('run', '--name', 'odd', '--network', 'none', 'busybox', 'sh', '-c', script);
    const { stdout } = await docker('diff', 'odd');
    expect(stdout.split('\n').sort()).toEqual(['', 'A /etc/group/x', 'A /out', 'A /tmp/.wh.x', 'A /tmp/a', ...(driver === 'vfs' ? ['A /tmp/zero'] : []), 'C /etc', 'C /etc/group', 'C /home', 'C /tmp', 'b']);
  });
});

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

describe.each(['overlay2', 'vfs'])('docker commit with the storage driver %s', (driver) => {
  let engine: TestEngine;
  const docker = (...args: string[]) => engine.docker(args);
  const run = (image: string, script: string) => docker('run', '--rm', '--network', 'none', image, 'sh', '-c', script);
  beforeAll(async () => {
    engine = await startEngine({ BERTH_STORAGE_DRIVER: driver });
    await engine.loadBusybox();
  }, patience(60_000));
  afterAll(() => engine?.stop(), patience(60_000));

  test('the image has what the container had, also once saved and loaded again', async () => {
    const script = 'mkdir -p /a/b; echo one > /a/b/file; ln /a/b/file /a/other; ln -s b/file /a/link; rm -r /home; mkdir /home; touch /home/new; rm /bin/ls; chmod 4750 /a/b/file; chown 5:6 /a/b; mknod /a/fifo p; rm /bin/vi; mkdir /bin/vi';
    await docker('run', '--name', 'origin', '--network', 'none', '-v', 'kept:/volume', 'busybox', 'sh', '-c', `${script}; echo gone > /volume/inside`);
    const committed = await docker('commit', '-m', 'why', '-a', 'me', 'origin', 'made:v1');
    expect(committed).toMatchObject({ code: 0, stderr: '' });
    const look = 'cat /a/link; stat -c "%a %u:%g %h %F" /a/b /a/b/file /a/fifo /home/new /bin/vi; stat -c %i /a/other /a/b/file | uniq | wc -l; ls /bin/ls; find /home /volume';
    const seen = ['one', '755 5:6 2 directory', '4750 0:0 2 regular file', '644 0:0 1 fifo', '644 0:0 1 regular empty file', '755 0:0 2 directory', '1', '/home', '/home/new', '/volume', ''].join('\n');
    const first = await run('made:v1', look);
    expect(first.stdout).toBe(seen);
    expect(first.stderr).toContain('/bin/ls: No such file');
    const saved = `${engine.settings.dataRoot}/saved.tar`;
    await docker('save', '-o', saved, 'made:v1');
    await docker('rmi', 'made:v1');
    await docker('load', '-q', '-i', saved);
    expect((await docker('image', 'inspect', '--format', '{{.Id}}', 'made:v1')).stdout).toBe(committed.stdout);
    expect((await run('made:v1', look)).stdout).toBe(first.stdout);
    expect(JSON.parse((await docker('image', 'inspect', 'made:v1')).stdout)).toMatchObject([{ Author: 'me', Comment: 'why' }]);
  });

  test('files whose names say in a layer that others are gone are left out, and hide nothing', async () => {
    const names = ['.wh..', '.wh...', '.wh.', '.wh.ls', '.wh..wh..opq', '.wh..wh.plnk', '.wh.dir/file', 'dir/.wh.file'];
    await docker('run', '--name', 'whiteouts', '--network', 'none', 'busybox', 'sh', '-c', `cd /bin; mkdir .wh.dir dir; touch ${names.join(' ')} dir/file; echo kept > kept`);
    expect(await docker('commit', 'whiteouts', 'without')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('without', 'cat /bin/kept; ls -a /bin | grep -c "^\\.wh"; ls /bin/dir /bin/ls')).toMatchObject({ stdout: 'kept\n0\n/bin/ls\n\n/bin/dir:\nfile\n', stderr: '' });
    expect((await docker('diff', 'whiteouts')).stdout).toContain('A /bin/.wh.ls\n');
    const exported = `${engine.settings.dataRoot}/exported.tar`;
    await docker('export', '-o', exported, 'whiteouts');
    expect(execFileSync('tar', ['-tf', exported], { encoding: 'utf8' }).split('\n')).toEqual(expect.arrayContaining(['bin/.wh.ls', 'bin/ls']));
    await docker('rm', 'whiteouts');
  });

  test('changes are those of a Dockerfile', async () => {
    await docker('create', '--name', 'plain', '--env', 'A=1', '--label', 'l=1', 'busybox', 'echo', 'container');
    await docker('commit', '--change', 'CMD ["echo", "image"]', '--change', 'ENV B=2', '--change', 'HEALTHCHECK --interval=2s --retries=3 CMD true', '--change', 'ONBUILD RUN true', 'plain', 'changed');
    expect((await docker('run', '--rm', '--network', 'none', 'changed')).stdout).toBe('image\n');
    const [{ Config, RootFS }] = JSON.parse((await docker('image', 'inspect', 'changed')).stdout) as [{ Config: object; RootFS: { Layers: string[] } }];
    expect(Config).toMatchObject({ Env: expect.arrayContaining(['A=1', 'B=2']), Labels: { l: '1' }, Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 2e9, Retries: 3 } });
    expect(RootFS.Layers).toHaveLength(1); // nothing was written
    expect((await docker('commit', '--change', 'RUN true', 'plain')).stderr).toContain('RUN is not a valid change command');
    expect((await docker('images', '-q', '--filter', 'dangling=true')).stdout).toBe('');
    expect((await docker('commit', 'nobody')).stderr).toContain('No such container: nobody');
  });

  test('what runs stands still meanwhile, and runs on; events tell of it', async () => {
    const since = new Date().toISOString();
    await docker('run', '-d', '--name', 'runs', '--network', 'none', 'busybox', 'sh', '-c', 'echo x > /x; while :; do sleep 0.1; done');
    const { stdout } = await docker('commit', '-m', 'words', 'runs', 'running:v1');
    expect((await docker('inspect', '--format', '{{.State.Status}}', 'runs')).stdout).toBe('running\n');
    await docker('commit', '--pause=false', 'runs');
    const told = await docker('events', '--since', since, '--until', new Date().toISOString(), '--format', '{{.Action}} {{.Actor.Attributes.imageID}} {{.Actor.Attributes.imageRef}} {{.Actor.Attributes.comment}}', '--filter', 'event=pause', '--filter', 'event=commit', '--filter', 'event=unpause', '--filter', 'event=tag');
    const none = '<no value>';
    expect(told.stdout.trim().split('\n')).toEqual([
      `pause ${none} ${none} ${none}`, `tag ${none} ${none} ${none}`, `commit ${stdout.trim()} running:v1 words`, `unpause ${none} ${none} ${none}`, expect.stringMatching(/^commit sha256:[0-9a-f]{64} +$|^commit sha256:[0-9a-f]{64}$/),
    ]);
    await docker('commit', '--change', 'LABEL k=v', 'runs', 'labelled');
    await docker('rmi', 'labelled');
    const ofLabel = await docker('events', '--since', since, '--until', new Date().toISOString(), '--format', '{{.Action}} {{.Actor.Attributes.k}}', '--filter', 'label=k=v');
    expect(ofLabel.stdout).toBe('tag v\nuntag v\n');
    await docker('pause', 'runs');
    expect((await docker('commit', 'runs')).code).toBe(0);
    expect((await docker('inspect', '--format', '{{.State.Status}}', 'runs')).stdout).toBe('paused\n');
  });
});

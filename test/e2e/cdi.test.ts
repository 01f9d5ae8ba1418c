import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** Devices of the Container Device Interface: a vendor's files, with nodes that every machine has. */
let engine: TestEngine;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync('/var/tmp/berth-cdi-');
  writeFileSync(join(folder, 'library'), 'of the vendor\n');
  // As a vendor's tool writes it.
  writeFileSync(join(folder, 'vendor.yaml'), `---
cdiVersion: 0.6.0
kind: nvidia.com/gpu
containerEdits:
  env: [VENDOR=yes]
  mounts:
  - hostPath: ${folder}/library
    containerPath: /usr/lib/vendor
    options: [ro, nosuid, nodev, rbind, rprivate]
devices:
- name: "0"
  containerEdits: &first
    deviceNodes:
    - {path: /dev/accelerator/first, hostPath: /dev/loop0, permissions: r, fileMode: 288, gid: 44}
    additionalGids: [44]
- name: all
  containerEdits: *first
- name: hooked
  containerEdits:
    hooks:
    - {hookName: createRuntime, path: /bin/sh, args: [sh, -c, "cat > ${folder}/told; echo $OF >> ${folder}/told"], env: [OF=vendor]}
`);
  writeFileSync(join(folder, 'broken.json'), '{');
  // To open it would be to wait for a writer.
  execFileSync('mkfifo', [join(folder, 'pipe.json')]);
  engine = await startEngine({ BERTH_CDI_SPEC_DIRS: `/nowhere:${folder}` });
  await engine.loadBusybox();
}, patience(120_000));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await engine?.stop();
}, patience(60_000));

const run = (...args: string[]): Promise<CliResult> => engine.docker(['run', '--rm', '--network', 'none', ...args]);

test.each([['--device', 'nvidia.com/gpu=0'], ['--gpus', 'all'], ['--gpus', '1'], ['--gpus', 'device=0']])('%s %s: nodes, variables, files and groups', async (...option) => {
  const script = 'echo $VENDOR; stat -c "%t:%T %a %u:%g" /dev/accelerator/first; head -c 0 /dev/accelerator/first && echo opened; (: 3<>/dev/accelerator/first) 2>&1 | grep -o "not permitted"; cat /usr/lib/vendor; touch /usr/lib/vendor 2>&1 | grep -o Read-only; id -G';
  expect(await run(...option, 'busybox', 'sh', '-c', script)).toEqual({ stdout: 'yes\n7:0 440 0:44\nopened\nnot permitted\nof the vendor\nRead-only\n0 44\n', stderr: '', code: 0 });
});

test('info tells where such files are looked for', async () => {
  expect(JSON.parse((await engine.docker(['info', '--format', '{{json .CDISpecDirs}}'])).stdout)).toEqual(['/nowhere', folder]);
});

test('inspect shows what was asked for', async () => {
  await engine.docker(['create', '--name', 'asking', '--device', 'nvidia.com/gpu=0', 'busybox']);
  const { stdout } = await engine.docker(['inspect', '--format', '{{json .HostConfig.DeviceRequests}}', 'asking']);
  expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=0'] })]);
  await engine.docker(['rm', 'asking']);
});

test('what no file has, and what Berth cannot run, is refused, and a file that cannot be read is named', async () => {
  const missing = await run('--device', 'nvidia.com/gpu=9', '--device', 'other.com/class=x', 'busybox', 'true');
  expect(missing).toMatchObject({ code: 125, stderr: expect.stringContaining('CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=9, other.com/class=x') as string });
  expect(missing.stderr).toContain(`${folder}/broken.json: `);
  expect((await run('--gpus', '"capabilities=compute"', 'busybox', 'true')).stderr).toContain('could not select device driver "" with capabilities: [[compute gpu]]');
  const hooked = await run('--device', 'nvidia.com/gpu=hooked', 'busybox', 'true');
  expect(hooked).toMatchObject({ code: 125, stderr: expect.stringContaining("nvidia.com/gpu=hooked: hooks (/bin/sh), which Berth's own runtime does not run: use --runtime runc") as string });
});

test.skipIf(!existsSync('/usr/sbin/runc'))('an installed runtime runs the hooks', async () => {
  expect(await run('--runtime', 'runc', '--device', 'nvidia.com/gpu=hooked', 'busybox', 'sh', '-c', 'echo $VENDOR')).toEqual({ stdout: 'yes\n', stderr: '', code: 0 });
  const [state = '', env] = readFileSync(join(folder, 'told'), 'utf8').split(/(?<=\})\n?(?=\w)/);
  expect((JSON.parse(state) as { readonly bundle: string }).bundle).toContain(engine.settings.runRoot);
  expect(env).toBe('vendor\n');
});

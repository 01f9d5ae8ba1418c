import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliResult, startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { imageArchive, sha256, shellTree, tarOf } from '../fixtures/image-archive.js';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, patience(120_000));
afterAll(() => engine?.stop(), patience(60_000));

const docker = (...args: string[]): Promise<CliResult> => engine.docker(args);
const load = (archive: Uint8Array): Promise<CliResult> => engine.docker(['load'], archive);
const word = (text: string): Promise<Buffer> => tarOf([...shellTree(), { path: 'word', body: Buffer.from(`${text}\n`) }]);

test('archives that are compressed with xz or bzip2 are imported, loaded and copied in', async () => {
  for (const program of ['xz', 'bzip2']) {
    const pack = (bytes: Uint8Array): Buffer => execFileSync(program, ['--compress', '--fast', '--stdout'], { input: bytes });
    const file = join(engine.settings.dataRoot, `tree.tar.${program}`);
    writeFileSync(file, pack(await word(program)));
    expect((await docker('import', '--change', 'CMD ["cat", "/word"]', '--change', 'ENV PATH=/bin', file, `packed:${program}`)).stderr).toBe('');
    expect(await docker('run', '--rm', `packed:${program}`)).toMatchObject({ code: 0, stdout: `${program}\n` });
    const layer = await word(`layer of ${program}`);
    expect(await load(pack(await imageArchive({ tag: `loaded-${program}`, layers: [pack(layer)], diffIds: [sha256(layer)] })))).toMatchObject({ code: 0, stderr: '' });
    const made = (await docker('create', `loaded-${program}`, 'cat', '/word')).stdout.trim();
    expect(await engine.docker(['cp', `${made}:/word`, '-'])).toMatchObject({ code: 0, stdout: expect.stringContaining(`layer of ${program}`) as string });
    expect(await engine.docker(['cp', '-', `${made}:/`], pack(await tarOf([{ path: 'copied', body: Buffer.from('in') }])))).toMatchObject({ code: 0, stderr: '' });
    expect((await docker('diff', made)).stdout).toBe('A /copied\n');
    await docker('rm', made);
  }
}, patience(180_000));

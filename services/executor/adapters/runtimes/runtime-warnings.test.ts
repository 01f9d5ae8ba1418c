import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RuntimeWarnings, runcWarnings } from './runtime-warnings.js';

test.each([
  ['runc version 1.1.5+ds1\ncommit: x', '1.1.5'],
  ['runc version 1.1.13', '1.1.13'],
  ['runc version 1.0.0~rc93+ds1', '1.0.0~rc93'],
  ['runc version 1.2.0-rc.2', '1.2.0-rc.2'],
])('%j is told of', (said, version) => expect(runcWarnings('/usr/bin/runc', said)).toEqual([expect.stringContaining(`/usr/bin/runc is version ${version}: `)]));

test.each(['runc version 1.1.14', 'runc version 1.1.15-rc.1', 'runc version 1.2.0-rc.3', 'runc version 1.2.0', 'runc version 1.3.1', 'runc version 2.0.0', 'crun version 1.8', ''])('%j is not', (said) => expect(runcWarnings('/usr/bin/runc', said)).toEqual([]));

test('it is asked once, and anew when another is installed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-runc-'));
  const path = join(folder, 'runc');
  const install = (version: string): void => {
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\necho asked >> ${folder}/log\necho runc version ${version}\n`);
    chmodSync(path, 0o755);
  };
  try {
    const warnings = new RuntimeWarnings(() => path);
    expect(await warnings.all()).toEqual([]);
    install('1.1.12');
    expect([await warnings.all(), await warnings.all()].flat()).toHaveLength(2);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('asked\n');
    install('1.1.14-new');
    expect(await warnings.all()).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freeze, thaw } from './freezer.js';
import type { CgroupLayout } from './layout.js';

test('a freeze that is called off while processes still run writes nothing any more', async () => {
  const top = mkdtempSync(join(tmpdir(), 'berth-freezer-'));
  try {
    const layout: CgroupLayout = { mode: 'v2', controllers: new Map(), unified: top };
    mkdirSync(join(top, 'one'));
    writeFileSync(join(top, 'one/cgroup.events'), 'populated 1\nfrozen 0\n');
    const calledOff = new AbortController();
    const frozen = freeze(layout, '/one', calledOff.signal);
    expect(readFileSync(join(top, 'one/cgroup.freeze'), 'utf8')).toBe('1');
    calledOff.abort(new Error('it goes on'));
    thaw(layout, '/one');
    await expect(frozen).rejects.toThrow('it goes on');
    expect(readFileSync(join(top, 'one/cgroup.freeze'), 'utf8')).toBe('0');
  } finally {
    rmSync(top, { recursive: true });
  }
});

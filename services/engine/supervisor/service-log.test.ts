import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServiceLog } from './service-log.js';

const LONG = 11_000_000;
let folder: string;
let path: string;
let told: string[];
let log: ServiceLog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-log-'));
  path = join(folder, 'log');
  told = [];
  log = new ServiceLog(path, (line) => told.push(line));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a log that is too long is cut, and nothing that is written meanwhile is lost', async () => {
  writeFileSync(path, Buffer.alloc(LONG), { mode: 0o640 });
  let isCut = false;
  const cut = Promise.all([log.cut(), log.cut()]).then(() => (isCut = true));
  let written = 0;
  while (!isCut) {
    appendFileSync(path, `line ${written++}\n`);
    await new Promise(setImmediate);
  }
  await cut;
  const lines = [...readFileSync(`${path}.1`).subarray(LONG).toString(), ...readFileSync(path, 'utf8')].join('');
  expect(lines).toBe(Array.from({ length: written }, (_, number) => `line ${number}\n`).join(''));
  expect([statSync(`${path}.1`).mode & 0o777, told]).toEqual([0o640, []]);
  expect(statSync(path).size).toBeLessThan(LONG);
});

test('a log that is short or not there stays so', async () => {
  await log.cut();
  writeFileSync(path, 'short');
  await log.cut();
  expect([readdirSync(folder), readFileSync(path, 'utf8'), told]).toEqual([['log'], 'short', []]);
});

test('a log that cannot be cut is told of, and one without room for a copy is emptied', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'none', folder]);
  try {
    writeFileSync(path, Buffer.alloc(LONG));
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    await log.cut();
    expect(told).toEqual([expect.stringContaining('EROFS')]);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    mkdirSync(`${path}.1`); // no file can be there either
    await log.cut();
    expect(told[1]).toContain('log could not be cut: ');
    rmSync(`${path}.1`, { recursive: true });
    await log.cut();
    expect([statSync(path).size, readdirSync(folder), told.length]).toEqual([0, ['log'], 2]);
  } finally {
    execFileSync('umount', [folder]);
  }
});

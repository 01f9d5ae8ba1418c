import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSupervisorSettings, type SupervisorSettings } from '../settings.js';
import { endFormerArrangement, recordedProgram } from './arrangement.js';

const berth = { name: 'berth', uid: 12_345, gid: 12_345 };
const accounts = { engine: berth, nats: { name: 'berth-nats', uid: 12_346, gid: 12_346 }, services: new Map([['engine', berth]]) };
const program = { code: 'one', variables: {} };
let top: string;
let settings: SupervisorSettings;
const record = (): string => join(settings.runRoot, 'pids/arrangement');

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-arrangement-'));
  settings = readSupervisorSettings({ BERTH_DATA_ROOT: join(top, 'data'), BERTH_RUN_ROOT: join(top, 'run') });
  mkdirSync(join(settings.runRoot, 'pids'), { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true }));

test('what runs is told to the next supervisor, for root alone', async () => {
  expect(recordedProgram(settings)).toBeUndefined();
  await endFormerArrangement(settings, accounts, program);
  expect(recordedProgram(settings)).toEqual(program);
  expect(statSync(record()).mode & 0o777).toBe(0o600);
});

test('a record that was cut short keeps nobody from starting: what runs is taken to be of another program', async () => {
  await endFormerArrangement(settings, accounts, program);
  writeFileSync(record(), readFileSync(record(), 'utf8').slice(0, 40));
  writeFileSync(join(settings.runRoot, 'pids/executor'), 'of a process that is gone');
  expect(recordedProgram(settings)).toBeUndefined();
  await endFormerArrangement(settings, accounts, program);
  expect(recordedProgram(settings)).toEqual(program);
  expect(existsSync(join(settings.runRoot, 'pids/executor'))).toBe(false);
});

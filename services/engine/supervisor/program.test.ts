import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSupervisorSettings, settingsEnvironment } from '../settings.js';
import { differenceOf, givenSettings, isSameExecutor, type Program, programOf } from './program.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'berth-program-'));
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist/.typescript.stamp'), 'one');
});
afterEach(() => rmSync(root, { recursive: true }));

const started = (environment: Record<string, string>): Program => programOf(root, readSupervisorSettings(environment), environment);
const asked = (running: Program, environment: Record<string, string>) => differenceOf(running, started(environment), givenSettings(environment));
const SAME = { code: false, missing: [], forgotten: [] };

test('a supervisor, which is told all settings, is of the same program as who starts it, who is told a few', () => {
  const environment = { BERTH_POLICY: '/etc/policy', BERTH_SUBNET: '10.9.0.0/16', PATH: '/bin', HTTPS_PROXY: 'http://proxy' };
  const supervisor = { ...environment, ...settingsEnvironment(readSupervisorSettings(environment)), BERTH_NATS_SERVER: '/usr/sbin/nats-server', HOME: '/root' };
  expect(started(supervisor)).toEqual(started(environment));
  expect(JSON.stringify(started(environment))).not.toContain('/etc/policy');
});

test('settings that it has not are told', () => {
  const running = started({ BERTH_POLICY: '/etc/policy' });
  expect(asked(running, { BERTH_POLICY: '/etc/policy', PATH: '/elsewhere' })).toEqual(SAME);
  expect(asked(running, { BERTH_POLICY: '/etc/other', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector' })).toEqual({ ...SAME, missing: ['BERTH_POLICY', 'OTEL_EXPORTER_OTLP_ENDPOINT'] });
});

test.each(['typescript', 'bundle', 'shim', 'addon'])('what build.mjs has made of %s since is other code', (part) => {
  const running = started({});
  writeFileSync(join(root, `dist/.${part}.stamp`), 'two');
  expect(asked(running, {})).toEqual({ ...SAME, code: true });
});

test('so are those that it was started with, and that nobody gives it now', () => {
  expect(asked(started({ BERTH_POLICY: '/etc/policy', BERTH_SUBNET: '10.9.0.0/16' }), {})).toEqual({ ...SAME, forgotten: ['BERTH_POLICY', 'BERTH_SUBNET'] });
  expect(asked(started({}), { BERTH_SUBNET: '172.17.0.0/16' })).toEqual(SAME);
});

test('an executor stays where services move apart alone', () => {
  expect(isSameExecutor(started({}), started({ BERTH_APART: 'all' }))).toBe(true);
  expect(isSameExecutor(started({ BERTH_APART: 'all' }), started({}))).toBe(true);
  expect(isSameExecutor(started({}), started({ BERTH_UNDO_SECONDS: '1' }))).toBe(false);
  expect(isSameExecutor(started({ OTEL_TRACES_SAMPLER: 'always_on' }), started({}))).toBe(false);
  expect(isSameExecutor(undefined, started({}))).toBe(false);
});

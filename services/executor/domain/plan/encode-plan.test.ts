import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeStep, encodePlan, PLAN_LIMIT_BYTES, planOf } from './encode-plan.js';
import { OPERATIONS, RETIRED_CODES } from './plan-table.js';
import type { PlanSettings } from './plan-table.js';

/** Tests run compiled: from dist/ up to the sources. */
const SOURCES = join(import.meta.dirname, '../../../../../services/executor/domain/plan');

const settings: PlanSettings = {
  taskDirectory: '/t', logPath: '', logMaxBytes: 0, logMaxFiles: 1, socketGroup: 0, socketMode: 0o660, shimCgroupPaths: [], namespaces: 0,
  terminal: false, rows: 0, columns: 0, openStdin: false, stdinOnce: false, tickets: [], cgroupPaths: [],
};

test('a step is its code, actor, number, length and operands', () => {
  const bytes = Buffer.from(encodePlan(planOf(settings, [{ op: 'set_hostname', actor: 'child', from: 'hostname', name: 'box' }])));
  expect(bytes.toString('latin1', 0, 4)).toBe('BPLN');
  expect(bytes.subarray(-19).toString('hex')).toBe('0d00' + '01' + '00000000' + '08000000' + '03000000' + '626f7800');
});

test('a plan that the shim could not read is refused: numbers out of range, NUL in a string, too long', () => {
  expect(() => encodePlan(planOf(settings, [{ op: 'unshare', actor: 'child', from: '', flags: -1 }]))).toThrow('step 0, unshare: flags');
  expect(() => encodePlan(planOf(settings, [{ op: 'set_hostname', actor: 'child', from: '', name: 'a\0b' }]))).toThrow('NUL');
  expect(() => encodePlan(planOf(settings, [{ op: 'write_file', actor: 'child', from: '', path: '/x', data: new Uint8Array(PLAN_LIMIT_BYTES) }]))).toThrow('more than');
});

test('a step reads as one line', () => {
  const plan = planOf(settings, [{ op: 'mask_path', actor: 'child', from: 'linux.maskedPaths[0]', path: '/proc/kcore' }]);
  expect(describeStep(plan, 0)).toBe('0 child mask_path path="/proc/kcore" (from linux.maskedPaths[0])');
});

test('no two operations share a code, nor does one have what an older shim takes for another', () => {
  const codes = [...Object.values(OPERATIONS).map(({ code }) => code), ...RETIRED_CODES];
  expect(new Set(codes).size).toBe(codes.length);
});

test('the shim has no step that no plan asks for', () => {
  const compilers = readdirSync(SOURCES).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'plan-table.ts').map((name) => readFileSync(join(SOURCES, name), 'utf8'));
  expect(Object.keys(OPERATIONS).filter((op) => !compilers.some((text) => text.includes(`'${op}'`)))).toEqual([]);
});

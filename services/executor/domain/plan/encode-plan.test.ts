import { expect, test } from 'vitest';
import { describeStep, encodePlan, PLAN_LIMIT_BYTES, planOf } from './encode-plan.js';
import { OPERATIONS } from './plan-table.js';
import type { PlanSettings } from './plan-table.js';

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
  expect(() => encodePlan(planOf(settings, [{ op: 'set_umask', actor: 'child', from: '', mask: -1 }]))).toThrow('step 0, set_umask: mask');
  expect(() => encodePlan(planOf(settings, [{ op: 'set_hostname', actor: 'child', from: '', name: 'a\0b' }]))).toThrow('NUL');
  expect(() => encodePlan(planOf(settings, [{ op: 'write_file', actor: 'child', from: '', path: '/x', data: new Uint8Array(PLAN_LIMIT_BYTES) }]))).toThrow('more than');
});

test('a step reads as one line', () => {
  const plan = planOf(settings, [{ op: 'mask_path', actor: 'child', from: 'linux.maskedPaths[0]', path: '/proc/kcore' }]);
  expect(describeStep(plan, 0)).toBe('0 child mask_path path="/proc/kcore" (from linux.maskedPaths[0])');
});

test('no two operations share a code', () => {
  const codes = Object.values(OPERATIONS).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});

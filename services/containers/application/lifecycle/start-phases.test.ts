import { expect, test } from 'vitest';
import { invalid, notFound } from '#libs/errors/errors.js';
import { StartPhases } from './start-phases.js';

const asked = { actor: 'test', correlationId: 'c', causationId: 'd' };
const counted = (phases: StartPhases): Record<string, number> => Object.fromEntries(Array.from(phases.measured, ([key, { count }]) => [key, count]));

test('what went well and what was refused are counted apart, with the trace that it belongs to; what changed nothing, and a dry run, are not', async () => {
  const phases = new StartPhases();
  const trace = 'c0ffee'.padEnd(32, '0');
  expect(await phases.time('image', { ...asked, traceparent: `00-${trace}-${'1'.repeat(16)}-01` }, async () => 7)).toBe(7);
  await expect(phases.time('image', asked, () => Promise.reject(notFound('no')))).rejects.toThrow('no');
  await phases.time('command', asked, async () => ({ changed: false }), ({ changed }) => changed);
  await phases.time('command', { ...asked, dryRun: true }, async () => undefined);
  expect(counted(phases)).toEqual({ 'image ok': 1, 'image error': 1 });
  expect(phases.measured.get('image ok')?.exemplars.find((one) => one !== undefined)).toMatchObject({ traceId: trace });
});

test('of all that is decided, starts are counted, and decided as before', () => {
  const phases = new StartPhases();
  const decide = ({ type, refused }: { readonly type: string; readonly refused?: boolean }): readonly { readonly type: string }[] => {
    if (refused) throw invalid('refused');
    return [{ type }];
  };
  const decider = phases.timed({ initialState: 0, decide, evolve: (state: number) => state + 1 });
  expect(decider.decide({ type: 'Start' }, 0)).toEqual([{ type: 'Start' }]);
  expect(decider.decide({ type: 'Stop' }, 0)).toEqual([{ type: 'Stop' }]);
  expect(() => decider.decide({ type: 'Start', refused: true }, 0)).toThrow('refused');
  expect([decider.initialState, decider.evolve(1, { type: 'x' })]).toEqual([0, 2]);
  expect(counted(phases)).toEqual({ 'decide ok': 1, 'decide error': 1 });
});

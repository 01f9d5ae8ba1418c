import { describe, expect, test } from 'vitest';
import { compare, median, rowOf } from './comparison.js';
import { table } from './table.js';

const OLD = 'dockerd 20.10.24';
const NEW = 'dockerd 28.5.2';

describe('a row', () => {
  test('tells the ratio to each dockerd, and whether the goal is met against each', () => {
    const row = rowOf('bridge: sum', { berth: 20, [OLD]: 290, [NEW]: 480, podman: 100 });
    expect(row.ratios).toEqual({ [OLD]: 20 / 290, [NEW]: 20 / 480 });
    expect(row.verdicts).toEqual({ [OLD]: 'missed', [NEW]: 'met' });
  });

  test('with a goal of its own needs no dockerd', () => {
    expect(rowOf('memory per idle container, MiB', { berth: 0.4 })).toMatchObject({ unit: 'MiB', ratios: {}, verdicts: { berth: 'met' } });
    expect(rowOf('memory per idle container, MiB', { berth: 0.6, [OLD]: 5 }).verdicts).toEqual({ berth: 'missed' });
    expect(rowOf('replay, commits/s', { berth: 99_999 }).verdicts).toEqual({ berth: 'missed' });
  });

  test('whose goal compares has no verdict where no dockerd was measured', () => {
    expect(rowOf('exec true', { berth: 5 })).toMatchObject({ unit: 'ms', ratios: {}, verdicts: {}, goal: { text: '≤ 1/8 of dockerd' } });
  });

  test('that Berth did not measure is compared with nothing', () => {
    expect(rowOf('none: sum', { [OLD]: 230, runc: 29 })).toMatchObject({ ratios: {}, verdicts: {} });
  });

  test('outside the goals has none', () => {
    expect(rowOf('cp into a running container, MB/s', { berth: 500, [OLD]: 400 })).toEqual({ name: 'cp into a running container, MB/s', unit: 'MB/s', medians: { berth: 500, [OLD]: 400 }, ratios: { [OLD]: 1.25 }, verdicts: {} });
  });
});

test('the table shows both ratios and both verdicts, dockerds first', () => {
  const lines = table([
    rowOf('bridge: sum', { berth: 20, podman: 100, [OLD]: 290, [NEW]: 480 }),
    rowOf('memory idle, MiB', { berth: 150, [NEW]: 1550 }),
    rowOf('appends 200 at a time, commits/s', { berth: 2500 }),
  ]).split('\n');
  expect(lines).toEqual([
    'median                 unit       berth  dockerd 20.10.24  dockerd 28.5.2  podman  / 20.10.24  / 28.5.2  goal',
    'bridge: sum            ms          20.0             290.0           480.0   100.0       0.069     0.042  ≤ 1/15 of dockerd  20.10.24 missed, 28.5.2 met',
    'memory idle            MiB        150.0                             1,550                         0.097  ≤ 220 MiB          met',
    'appends 200 at a time  commits/s  2,500',
  ]);
});

describe('rounds', () => {
  /** Measures a number of its own choice and writes down who was asked. */
  const turns = (asked: string[]) => ['berth', OLD].map((name) => ({
    name,
    perform: () => {
      asked.push(name);
      return Promise.resolve(new Map([['exec true', asked.length]]));
    },
  }));

  test('are taken in turn, another first each time, and the first does not count', async () => {
    const asked: string[] = [];
    const [row] = await compare(turns(asked), { rounds: 3, settleMs: 0 }, new AbortController().signal);
    expect(asked).toEqual(['berth', OLD, OLD, 'berth', 'berth', OLD, OLD, 'berth']);
    expect(row?.medians).toEqual({ berth: median([4, 5, 8]), [OLD]: median([3, 6, 7]) });
  });

  test('come after a warm-up of each, whose first twenty are rows of their own', async () => {
    const asked: string[] = [];
    const rows = await compare(turns(asked), { rounds: 1, warmUp: 30, settleMs: 0 }, new AbortController().signal);
    expect(asked).toEqual([...Array<string>(30).fill('berth'), ...Array<string>(30).fill(OLD), OLD, 'berth']);
    expect(rows.map(({ name, medians }) => [name, medians])).toEqual([
      ['cold: exec true', { berth: 10.5, [OLD]: 40.5 }],
      ['exec true', { [OLD]: 61, berth: 62 }],
    ]);
  });

  test('count from the first where there is only one', async () => {
    const asked: string[] = [];
    await compare(turns(asked), { rounds: 1, settleMs: 0 }, new AbortController().signal);
    expect(asked).toHaveLength(2);
  });

  test('end when the signal aborts', async () => {
    await expect(compare(turns([]), { rounds: 3, settleMs: 0 }, AbortSignal.abort(new Error('ended')))).rejects.toThrow('ended');
  });
});

test('a median is the middle, or the mean of the two in the middle', () => {
  expect([median([9, 1, 5]), median([4, 1, 2, 30])]).toEqual([5, 3]);
  expect(() => median([])).toThrow(RangeError);
});

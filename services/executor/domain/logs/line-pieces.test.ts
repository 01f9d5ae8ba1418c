import { expect, test } from 'vitest';
import { LinePieces } from './line-pieces.js';

test('pieces of a line have its id and its first time, and are counted, each stream by itself', () => {
  let ids = 0;
  const pieces = new LinePieces(() => `id${++ids}`);
  const of = (log: string, stream: 'stdout' | 'stderr', time: string) => pieces.pieceOf({ log, stream, time });
  expect(of('whole\n', 'stdout', 't0')).toBeUndefined();
  expect(of('one ', 'stdout', 't1')).toEqual({ id: 'id1', ordinal: 1, isLast: false, time: 't1' });
  expect(of('whole\n', 'stderr', 't2')).toBeUndefined();
  expect(of('other ', 'stderr', 't3')).toEqual({ id: 'id2', ordinal: 1, isLast: false, time: 't3' });
  expect(of('two ', 'stdout', 't4')).toEqual({ id: 'id1', ordinal: 2, isLast: false, time: 't1' });
  expect(of('\n', 'stdout', 't5')).toEqual({ id: 'id1', ordinal: 3, isLast: true, time: 't1' });
  expect(of('end\n', 'stderr', 't6')).toEqual({ id: 'id2', ordinal: 2, isLast: true, time: 't3' });
  expect(of('whole\n', 'stdout', 't7')).toBeUndefined();
  expect(of('next ', 'stdout', 't8')).toEqual({ id: 'id3', ordinal: 1, isLast: false, time: 't8' });
});

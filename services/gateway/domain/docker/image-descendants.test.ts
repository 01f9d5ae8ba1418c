import { expect, test } from 'vitest';
import type { ImageView } from '#contracts/images/images.js';
import { descendants } from './image-descendants.js';

const image = (id: string, diffIds: readonly string[], ...history: readonly string[]): ImageView => ({ id, diffIds, history: history.map((created_by) => ({ created_by })) }) as unknown as ImageView; // no more is looked at

test('what was committed of an image stands on it, and what has its layers by chance does not', () => {
  const images = [image('base', ['l1'], 'a'), image('child', ['l1', 'l2'], 'a', 'b'), image('grandchild', ['l1', 'l2'], 'a', 'b', 'c'), image('stranger', ['l1', 'l3'], 'x', 'y'), image('twin', ['l1'], 'a')];
  expect(descendants(['base', 'child', 'gone', null], images)).toEqual(new Map([['base', new Set(['child', 'grandchild'])], ['child', new Set(['grandchild'])]]));
});

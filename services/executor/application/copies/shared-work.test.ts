import { expect, test } from 'vitest';
import { SharedWork } from './shared-work.js';

test('what is asked for while it is under way is done once more for all who asked, and apart from what others ask for', async () => {
  const shared = new SharedWork<number>();
  const begun: { readonly thing: string; readonly end: PromiseWithResolvers<number> }[] = [];
  const ask = (thing: string) =>
    shared.of(thing, () => {
      const end = Promise.withResolvers<number>();
      begun.push({ thing, end });
      return end.promise;
    });
  const first = ask('a');
  const later = [ask('a'), ask('a')];
  const other = ask('b');
  expect(begun.map(({ thing }) => thing)).toEqual(['a', 'b']);
  begun[0]?.end.resolve(1);
  expect(await first).toBe(1);
  await expect.poll(() => begun.length).toBe(3);
  later.push(ask('a'));
  begun[2]?.end.reject(new Error('the disk is broken'));
  await expect(later[0]).rejects.toThrow('broken');
  await expect(later[1]).rejects.toThrow('broken');
  await expect.poll(() => begun.length).toBe(4);
  begun[3]?.end.resolve(4);
  expect(await later[2]).toBe(4);
  begun[1]?.end.resolve(2);
  expect(await other).toBe(2);
  const again = ask('a');
  begun[4]?.end.resolve(5);
  expect(await again).toBe(5);
});

import { expect, test } from 'vitest';
import { Unframed } from './stream-frames.js';

test('what is in frames comes out, however they are cut', () => {
  const frame = (stream: number, text: string): Buffer => Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, ''), frame(2, 'error'), frame(1, '!')]);
  for (let size = 1; size <= bytes.length; size++) {
    const frames = new Unframed();
    const found: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...frames.take(bytes.subarray(at, at + size)));
    expect(Buffer.concat(found).toString()).toBe('outerror!');
  }
});

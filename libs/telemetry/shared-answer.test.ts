import { afterEach, expect, test, vi } from 'vitest';
import { sharedAnswer } from './shared-answer.js';

afterEach(() => void vi.useRealTimers());

/** Answers with how often it was made, when it is let. */
function counted(): { make: () => Promise<{ contentType: string; body: string }>; finish: (error?: Error) => void; made: () => number } {
  let made = 0;
  let finish: (error?: Error) => void = () => undefined;
  const make = (): Promise<{ contentType: string; body: string }> =>
    new Promise((resolve, reject) => {
      const body = String(++made);
      finish = (error) => (error ? reject(error) : resolve({ contentType: 'text/plain', body }));
    });
  return { make, finish: (error) => finish(error), made: () => made };
}

test('who asks while an answer is made gets that one, and so does who asks within its time', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const page = counted();
  const ask = sharedAnswer(page.make, 1000);
  const asked = [ask(), ask(), ask()];
  vi.advanceTimersByTime(5000);
  asked.push(ask());
  page.finish();
  expect((await Promise.all(asked)).map(({ body }) => String(body))).toEqual(['1', '1', '1', '1']);
  vi.advanceTimersByTime(999);
  expect(String((await ask()).body)).toBe('1');
  vi.advanceTimersByTime(1);
  const later = ask();
  page.finish();
  expect(String((await later).body)).toBe('2');
});

test('without a time it is made anew once it was given, and one that failed always', async () => {
  for (const keptMs of [0, 1000]) {
    const page = counted();
    const ask = sharedAnswer(page.make, keptMs);
    const failing = [ask(), ask()];
    page.finish(new Error('away'));
    for (const one of failing) await expect(one).rejects.toThrow('away');
    const next = ask();
    page.finish();
    expect(String((await next).body)).toBe('2');
    void ask();
    expect(page.made()).toBe(keptMs === 0 ? 3 : 2);
  }
});

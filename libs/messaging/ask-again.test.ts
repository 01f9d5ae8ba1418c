import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askAgain, PAUSE_MS, type AskAgainRules } from './ask-again.js';

class Silence extends Error {}

const EVERY_MS = 500;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Askings whose answers the test gives, in any order. */
function asked(rules: Partial<AskAgainRules> = {}) {
  const askings: PromiseWithResolvers<string>[] = [];
  const ask = (): Promise<string> => {
    const asking = Promise.withResolvers<string>();
    askings.push(asking);
    return asking.promise;
  };
  const answer = askAgain(ask, { everyMs: EVERY_MS, isSilence: (failure) => failure instanceof Silence, mayMend: () => true, unanswered: () => new Silence('late'), ...rules });
  answer.catch(() => undefined);
  return { askings, answer };
}

test('an asking is answered though another has followed it', async () => {
  const { askings, answer } = asked();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(askings).toHaveLength(2);
  askings[0]?.reject(new Error('the first failure'));
  askings[1]?.reject(new Error('another'));
  await expect(answer).rejects.toThrow('the first failure');
});

test('there is no moment between two askings in which nobody listens', async () => {
  const { askings, answer } = asked();
  await vi.advanceTimersByTimeAsync(EVERY_MS - 1);
  askings[0]?.resolve('done');
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS);
  await expect(answer).resolves.toBe('done');
  expect(askings).toHaveLength(1);
});

test('silence of the newest asking has another follow, after a pause; silence of an earlier one does not', async () => {
  const { askings, answer } = asked();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  askings[0]?.reject(new Silence('ended'));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect(askings).toHaveLength(2);
  askings[1]?.reject(new Silence('ended'));
  await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
  expect(askings).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(askings).toHaveLength(3);
  askings[2]?.resolve('done');
  await expect(answer).resolves.toBe('done');
});

test('what has its answer is asked no more, whatever becomes of the other askings', async () => {
  const { askings, answer } = asked();
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  askings[0]?.resolve('done');
  await expect(answer).resolves.toBe('done');
  askings[1]?.reject(new Silence('ended'));
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS);
  expect(askings).toHaveLength(2);
});

test('silence that may not be mended is what it comes to, and so is one that lasts', async () => {
  const met = asked({ mayMend: () => false });
  met.askings[0]?.reject(new Silence('nobody listens'));
  await expect(met.answer).rejects.toThrow('nobody listens');
  const lasting = asked({ mayMend: () => false });
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await expect(lasting.answer).rejects.toThrow('late');
});

test('without a time it is asked anew after silence alone', async () => {
  const { askings, answer } = asked({ everyMs: Infinity });
  await vi.advanceTimersByTimeAsync(100 * EVERY_MS);
  expect(askings).toHaveLength(1);
  askings[0]?.reject(new Silence('nobody listens'));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  askings[1]?.resolve('done');
  await expect(answer).resolves.toBe('done');
});

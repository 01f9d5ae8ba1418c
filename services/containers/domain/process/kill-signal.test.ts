import { expect, test } from 'vitest';
import { askedSignal, killSignal } from './kill-signal.js';

test.each([[undefined, 9], ['', 9], ['term', 15], ['SIGRTMIN+3', 37], ['64', 64]])('%s is the signal %d', (text, number) => expect(killSignal('web', text)).toBe(number));
test.each([['FOO', 'invalid signal: FOO'], ['0', 'invalid signal: 0'], ['-1', 'the linux daemon does not support signal -1'], ['65', 'the linux daemon does not support signal 65']])('%s is none', (text, why) => {
  expect(() => killSignal('web', text)).toThrow(`cannot kill container: web: ${why}`);
});
test('what is no signal is told with what cannot be done', () => expect(() => askedSignal('cannot stop container: web', 'FOO')).toThrow('cannot stop container: web: invalid signal: FOO'));

import { expect, test } from 'vitest';
import { readExecRequest, readExecStart } from './exec-request.js';

test('an exec has a command, and keys that can be typed', () => {
  expect(readExecRequest({ Cmd: ['sh'], DetachKeys: 'ctrl-a,b' })).toMatchObject({ args: ['sh'], detachKeys: 'ctrl-a,b', terminal: false });
  expect(() => readExecRequest({ Cmd: [] })).toThrow('No exec command specified');
  expect(() => readExecRequest({ Cmd: ['sh'], DetachKeys: 'zzz' })).toThrow('Invalid escape keys (zzz) provided');
  expect(() => readExecRequest(undefined)).toThrow('a request body');
  expect(() => readExecRequest({ Cmd: ['sh'], Privileged: 'x' })).toThrow('Privileged has to be true or false');
});

test('what is no start of an exec does not start it', () => {
  for (const none of [undefined, null, {}]) expect(readExecStart(none)).toEqual({ detach: false, raw: false });
  expect(readExecStart({ Detach: true, Tty: true, ConsoleSize: [24, 80] })).toEqual({ detach: true, raw: true, consoleSize: [24, 80] });
  for (const wrong of [[], 'x', { Detach: 'x' }, { Tty: 1 }]) expect(() => readExecStart(wrong)).toThrow('has to be');
});

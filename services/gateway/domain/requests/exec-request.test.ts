import { expect, test } from 'vitest';
import { readExecRequest } from './exec-request.js';

test('an exec has a command, and keys that can be typed', () => {
  expect(readExecRequest({ Cmd: ['sh'], DetachKeys: 'ctrl-a,b' })).toMatchObject({ args: ['sh'], detachKeys: 'ctrl-a,b', terminal: false });
  expect(() => readExecRequest({ Cmd: [] })).toThrow('No exec command specified');
  expect(() => readExecRequest({ Cmd: ['sh'], DetachKeys: 'zzz' })).toThrow('Invalid escape keys (zzz) provided');
  expect(() => readExecRequest(undefined)).toThrow('a request body');
});

import { expect, test } from 'vitest';
import { readExecRequest, readExecStart } from './exec-request.js';

test('an exec has a command', () => {
  expect(readExecRequest({ Cmd: ['sh'], DetachKeys: 'ctrl-a,b' })).toMatchObject({ args: ['sh'], detachKeys: 'ctrl-a,b', terminal: false });
  expect(() => readExecRequest({ Cmd: [] })).toThrow('No exec command specified');
  expect(() => readExecRequest(undefined)).toThrow('No exec command specified');
  expect(() => readExecRequest({ Cmd: ['sh'], Privileged: 'x' })).toThrow('invalid JSON: json: cannot unmarshal string into Go struct field ExecOptions.Privileged of type bool');
});

test('what is no start of an exec does not start it', () => {
  for (const none of [undefined, null, {}]) expect(readExecStart(none)).toEqual({ detach: false, raw: false });
  expect(readExecStart({ Detach: true, Tty: true, ConsoleSize: [24, 80] })).toEqual({ detach: true, raw: true, consoleSize: [24, 80] });
  for (const wrong of [{ Detach: 'x' }, { Tty: 1 }]) expect(() => readExecStart(wrong)).toThrow(/into Go struct field ExecStartOptions\.(Detach|Tty) of type bool$/);
  for (const wrong of [[], 'x']) expect(() => readExecStart(wrong)).toThrow('into Go value of type container.ExecStartOptions');
});

test.each([
  [[24], [24, 0]],
  [[24, 80, 7], [24, 80]],
  [[null, 80], [0, 80]],
])('a size of %j is as Go reads it', (given, read) => expect(readExecStart({ ConsoleSize: given }).consoleSize).toEqual(read));

test.each([
  ['24x80', 'json: cannot unmarshal string into Go struct field ExecStartOptions.ConsoleSize of type [2]uint'],
  [5, 'json: cannot unmarshal number into Go struct field ExecStartOptions.ConsoleSize of type [2]uint'],
  [['a', 'b'], 'json: cannot unmarshal string into Go struct field ExecStartOptions.ConsoleSize of type uint'],
  [[-1, 2], 'json: cannot unmarshal number -1 into Go struct field ExecStartOptions.ConsoleSize of type uint'],
  [[1.5, 2], 'json: cannot unmarshal number 1.5 into Go struct field ExecStartOptions.ConsoleSize of type uint'],
])('a size of %j is none', (given, told) => {
  expect(() => readExecStart({ ConsoleSize: given })).toThrow(told);
});

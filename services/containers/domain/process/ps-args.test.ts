import { expect, test } from 'vitest';
import { checkPsArgs } from './ps-args.js';

test('the arguments of ps are words, parted by single blanks as in dockerd', () => {
  expect(checkPsArgs('-eo pid,args')).toEqual(['-eo', 'pid,args']);
  expect(checkPsArgs('aux')).toEqual(['aux']);
});

test('no other column may call itself PID', () => {
  expect(() => checkPsArgs('-o ppid=PID,pid')).toThrow('specifying "ppid=PID,pid" is not allowed');
  expect(checkPsArgs('-o pid=PID')).toEqual(['-o', 'pid=PID']);
  expect(checkPsArgs('-o ppid=PARENT,pid')).toEqual(['-o', 'ppid=PARENT,pid']);
});

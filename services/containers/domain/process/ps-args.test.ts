import { expect, test } from 'vitest';
import { checkPsArgs } from './ps-args.js';

test('the arguments of ps are words, parted by single blanks as in dockerd', () => {
  expect(checkPsArgs('-eo pid,args')).toEqual(['-eo', 'pid,args']);
  expect(checkPsArgs('aux')).toEqual(['aux']);
});

test('no other column may call itself PID', () => {
  expect(() => checkPsArgs('-o ppid=PID,pid')).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining('specifying "ppid=PID,pid" is not allowed') as string }) as Error);
  for (const text of ['-olwp=PID', '-o args,lwp=PID', '-C nosuch -N -olwp=PID,args', '-o lwp= PID', '-o lwp=  PIDS', '-o pid=PID,lwp=PID', 'olwp=PID']) expect(() => checkPsArgs(text), text).toThrow(/^specifying ".*PIDS?.*" is not allowed$/);
  expect(checkPsArgs('-opid=PID,args')).toEqual(['-opid=PID,args']);
  expect(checkPsArgs('-o pid=PID')).toEqual(['-o', 'pid=PID']);
  expect(checkPsArgs('-o ppid=PARENT,pid')).toEqual(['-o', 'ppid=PARENT,pid']);
});

test('a title is one word', () => {
  for (const blank of ['\t', '\n', '\u00a0']) expect(() => checkPsArgs(`-o lwp=X${blank}PID`)).toThrow('no tabs');
});

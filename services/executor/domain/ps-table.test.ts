import { expect, test } from 'vitest';
import { psTable } from './ps-table.js';

const OUTPUT = ['UID          PID    PPID  C STIME TTY          TIME CMD', 'root           7       1  0 12:00 ?        00:00:00 sh -c sleep  5', 'root           8       7  0 12:00 ?        00:00:00 [sleep]', ''].join('\n');

test('only the rows of the pids asked for are there, and the last column keeps its words', () => {
  expect(psTable(OUTPUT, new Set([7]))).toEqual({
    titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    processes: [['root', '7', '1', '0', '12:00', '?', '00:00:00', 'sh -c sleep 5']],
  });
});

test('threads follow their process', () => {
  const output = 'PID TTY STAT COMMAND\n7 ? - one\n- - S -\n8 ? - other\n- - S -\n';
  expect(psTable(output, new Set([7])).processes).toEqual([['7', '?', '-', 'one'], ['-', '-', 'S', '-']]);
});

test('without a column PID nothing can be told', () => {
  expect(() => psTable('COMMAND\nsh\n', new Set([7]))).toThrow("Couldn't find PID field in ps output");
});

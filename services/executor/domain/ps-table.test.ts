import { expect, test } from 'vitest';
import { psTable } from './ps-table.js';

const OUTPUT = ['UID          PID    PPID  C STIME TTY          TIME CMD', 'root           7       1  0 12:00 ?        00:00:00 sh -c sleep  5', 'root           8       7  0 12:00 ?        00:00:00 [sleep]', ''].join('\n');

test('only the rows of the pids asked for are there, and the last column keeps its words', () => {
  expect(psTable(OUTPUT, new Set([7]), ['-ef'], false)).toEqual({
    titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    processes: [['root', '7', '1', '0', '12:00', '?', '00:00:00', 'sh -c sleep 5']],
  });
});

test('threads follow their process', () => {
  const output = 'PID TTY STAT COMMAND\n7 ? - one\n- - S -\n8 ? - other\n- - S -\n';
  expect(psTable(output, new Set([7]), ['m'], false).processes).toEqual([['7', '?', '-', 'one'], ['-', '-', 'S', '-']]);
});

test('without a column PID nothing can be told', () => {
  expect(() => psTable('COMMAND\nsh\n', new Set([7]), ['-o', 'args'], false)).toThrow(expect.objectContaining({ kind: 'unclassified', message: expect.stringContaining("Couldn't find PID field in ps output") as string }) as Error);
});

test('whose a row is, the column in front tells, whatever others call themselves and wherever they are', () => {
  const output = 'LEADING-PID COMMAND PID\n7 sleep 7 7\n- - -\n8 cat 7 secret 8\n- - 7\n9 7\n';
  expect(psTable(output, new Set([7]), ['-o', 'args,pid'], true)).toEqual({ titles: ['COMMAND', 'PID'], processes: [['sleep', '7 7'], ['-', '-']] });
});

test('without it the pid is taken for what it is only behind columns of one word, and with no titles of a client', () => {
  expect(() => psTable('BLANK PID UID\n8 7\n', new Set([7]), ['-o', 'blank,pid,uid'], false)).toThrow("Couldn't tell the PID field");
  expect(() => psTable('UID PID PPID\n8 7\n', new Set([7]), ['-o', 'blank=UID,pid,ppid'], false)).toThrow("Couldn't tell the PID field");
  expect(psTable(OUTPUT, new Set([7]), ['-f', '--ppid=1'], false).processes).toHaveLength(1);
});

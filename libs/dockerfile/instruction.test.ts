import { describe, expect, test } from 'vitest';
import { flagValues, jsonList, logicalLines, namesAndValues, readInstruction, splitWords } from './instruction.js';

test.each([
  ['ENV a=1\nENV b=2', ['ENV a=1', 'ENV b=2']],
  ['  ENV a=1\r\n\r\n# a comment\n', ['ENV a=1']],
  ['ENV a=1 \\\n  # a comment\n\n  b=2', ['ENV a=1   b=2']],
  ['ENV a=1 \\ \t\nb=2', ['ENV a=1 b=2']],
  ['ENV a=b\\\\', ['ENV a=b\\\\']],
  ['\\\nENV a=1', ['ENV a=1']],
  ['ENV a=1 \\', ['ENV a=1 ']],
  ['\n \n#', []],
])('%j has the lines %j', (text, lines) => expect(logicalLines(text)).toEqual(lines));

test.each([
  ['CMD', { name: 'CMD', flags: [], rest: '' }],
  ['cmd  a  b ', { name: 'cmd', flags: [], rest: 'a  b' }],
  ['HEALTHCHECK --interval=5s\t--timeout="1 s" CMD --x', { name: 'HEALTHCHECK', flags: ['--interval=5s', '--timeout=1 s'], rest: 'CMD --x' }],
  ['RUN -- --x', { name: 'RUN', flags: [], rest: '--x' }],
])('%j is an instruction', (line, instruction) => expect(readInstruction(line)).toEqual(instruction));

test.each([
  ['a b\t c', ['a', 'b', 'c']],
  ['"a b"=c \'d "e\' f\\ g "h\\" i"', ['"a b"=c', '\'d "e\'', 'f\\ g', '"h\\" i"']],
  ['a\\', ['a']],
  ['a\\\\', ['a\\\\']],
  ['', []],
])('%j has the words %j', (text, words) => expect(splitWords(text)).toEqual(words));

describe('names and values', () => {
  test.each([
    ['A=1 B="x y"', [['A', '1'], ['B', '"x y"']]],
    ['"a b"="c"', [['"a b"', '"c"']]],
    ['A the  rest=x ', [['A', 'the  rest=x ']]],
    ['A=', [['A', '']]],
  ])('%s', (rest, pairs) => expect(namesAndValues('ENV', rest)).toEqual(pairs));
  test.each([
    ['', 'ENV requires at least one argument'],
    ['A', 'ENV must have two arguments'],
    ['A=1 B', 'Syntax error - can\'t find = in "B". Must be of the form: name=value'],
    ['=1', 'ENV names can not be blank'],
  ])('%j is refused', (rest, message) => expect(() => namesAndValues('ENV', rest)).toThrow(message));
});

test('what is no JSON list is no list; one of anything but texts is refused', () => {
  expect(['["a", "b"]', '[]', '["a"', "['a']", 'a', ''].map(jsonList)).toEqual([['a', 'b'], [], undefined, undefined, undefined, undefined]);
  expect(() => jsonList('["a", 1]')).toThrow('arrays must be comprised of strings only');
});

test('flags are known, have values and come once', () => {
  expect([...flagValues(['--a=1=2', '--b='], ['a', 'b'])]).toEqual([['a', '1=2'], ['b', '']]);
  expect(() => flagValues(['--c=1'], ['a'])).toThrow('unknown flag: --c');
  expect(() => flagValues(['--a'], ['a'])).toThrow('missing a value on flag: --a');
  expect(() => flagValues(['--a=1', '--a=2'], ['a'])).toThrow('duplicate flag specified: --a');
});

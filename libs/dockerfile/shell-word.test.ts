import { describe, expect, test } from 'vitest';
import { PatternWork } from './shell-pattern.js';
import { expandWord, expandWords } from './shell-word.js';

const variables = new Map([['A', 'one'], ['EMPTY', ''], ['LIST', ' a  b '], ['PATH', '/usr/bin:/bin'], ['FILE', '/srv/a.b/c.tar.gz'], ['LINES', 'x\ny'], ['UMLAUT', 'äöü']]);
const of = (name: string): string | undefined => variables.get(name);

describe('a word', () => {
  test.each([
    // quotes and escapes
    ['plain', 'plain'],
    ['a"b c"\'d e\'', 'ab cd e'],
    ['"it\'s"', "it's"],
    ["'$A'", '$A'],
    ["'a\\'", 'a\\'],
    ['"\\"\\$\\\\\\a"', '"$\\\\a'],
    ['\\$A\\a\\\\', '$Aa\\'],
    ['a\\', 'a'],
    ['""', ''],
    ['[x] {y} } / # < <<', '[x] {y} } / # < <<'],
    // variables
    ['$A', 'one'],
    ['${A}two$A', 'onetwoone'],
    ['"$A"', 'one'],
    ['$NO', ''],
    ['/opt/x:$PATH', '/opt/x:/usr/bin:/bin'],
    ['$A-$A', 'one-one'],
    ['$', '$'],
    ['$ A', '$ A'],
    ['$1a', 'a'],
    ['$$A', 'A'],
    ['$LIST', ' a  b '],
    // substitutions
    ['${NO:-dflt}', 'dflt'],
    ['${NO-dflt}', 'dflt'],
    ['${EMPTY:-dflt}', 'dflt'],
    ['${EMPTY-dflt}', ''],
    ['${A:-dflt}', 'one'],
    ['${NO:-$A ${A:+"t}o"}}', 'one t}o'],
    ['${NO:-}', ''],
    ['${A:+alt}', 'alt'],
    ['${A+alt}', 'alt'],
    ['${EMPTY:+alt}', ''],
    ['${EMPTY+alt}', 'alt'],
    ['${NO+alt}', ''],
    ['${A:?why}', 'one'],
    ['${EMPTY?why}', ''],
    // patterns
    ['${FILE##*/}', 'c.tar.gz'],
    ['${FILE#*/}', 'srv/a.b/c.tar.gz'],
    ['${FILE%.*}', '/srv/a.b/c.tar'],
    ['${FILE%%.*}', '/srv/a'],
    ['${FILE#nothing}', '/srv/a.b/c.tar.gz'],
    ['${FILE%?z}', '/srv/a.b/c.tar.'],
    ['${FILE/a/A}', '/srv/A.b/c.tar.gz'],
    ['${FILE//a/A}', '/srv/A.b/c.tAr.gz'],
    ['${FILE//./}', '/srv/ab/ctargz'],
    ['${FILE/a*r/X}', '/srv/X.gz'],
    ['${FILE//\\//:}', ':srv:a.b:c.tar.gz'],
    ['${A/x/y}', 'one'],
    ['${NO/x/y}', ''],
    ['${A//?/ab}', 'ababab'],
    ['${LINES#*y}', 'x\ny'],
    ['${UMLAUT%?}', 'äö'],
    ['${UMLAUT/ö/o}', 'äoü'],
    ['${A#"o"}', 'ne'],
  ])('%s is %j', (word, expanded) => expect(expandWord(word, of, new PatternWork())).toBe(expanded));

  test.each([
    ["'a", 'unexpected end of statement while looking for matching single-quote'],
    ['"a', 'unexpected end of statement while looking for matching double-quote'],
    ['${', "syntax error: missing '}'"],
    ['${A', "syntax error: missing '}'"],
    ['${A:', "syntax error: missing '}'"],
    ['${A:-x', "syntax error: missing '}'"],
    ['${A/x', "syntax error: missing '/' in ${}"],
    ['${A/x/y', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${{A}', 'syntax error: bad substitution'],
    ['${:A}', 'syntax error: bad substitution'],
    ['${A!x}', 'unsupported modifier (!) in substitution'],
    ['${A:#x}', 'unsupported modifier (:#) in substitution'],
    ['${NO?}', 'NO: is not allowed to be unset'],
    ['${EMPTY:?}', 'EMPTY: is not allowed to be empty'],
    ['${NO:?$A is missing}', 'NO: one is missing'],
    ['${A#\\x}', "invalid pattern (\\x) in substitution: invalid escape '\\x'"],
  ])('%s is refused', (word, message) => expect(() => expandWord(word, of, new PatternWork())).toThrow(`failed to process ${JSON.stringify(word)}: ${message}`));

  test('does not grow without an end, and no pattern takes for ever', () => {
    const long = 'x'.repeat(100_000);
    expect(() => expandWord('$L$L$L$L$L$L$L$L$L$L$L', () => long, new PatternWork())).toThrow('longer than 1048576 characters');
    expect(() => expandWord('"$L$L$L$L$L$L$L$L$L$L$L"', () => long, new PatternWork())).toThrow('longer than 1048576 characters');
    expect(() => expandWord(`\${L//x/${long}}`, () => long, new PatternWork())).toThrow('longer than 1048576 characters');
    expect(() => expandWord('${A:-'.repeat(200) + '}'.repeat(200), () => undefined, new PatternWork())).toThrow('nested too deeply');
    expect(expandWord(`\${L#${'*x'.repeat(50)}y}`, () => long.slice(0, 10_000), new PatternWork())).toHaveLength(10_000);
    expect(expandWord('${L//x?y/}', () => long, new PatternWork())).toBe(long);
  });
});

describe('words', () => {
  test.each([
    ['$LIST', ['a', 'b']],
    ['"$LIST"', [' a  b ']],
    ['x$LIST', ['x', 'a', 'b']],
    ['${LIST}x', ['a', 'b', 'x']],
    ['a b', ['a', 'b']],
    ['a\\ b', ['a b']],
    ['""', []],
    ['$NO', []],
  ])('%s are %j', (word, words) => expect(expandWords(word, of, new PatternWork())).toEqual(words));
});

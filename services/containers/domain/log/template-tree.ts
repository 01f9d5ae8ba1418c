import { unclassified } from '#libs/errors/errors.js';
import { FUNCTIONS } from './template-functions.js';

/** What stands in a template, as Go's text/template has it: text, values that are shown, and parts that depend on values. */
export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'show'; readonly value: Expression }
  | { readonly type: 'if'; readonly condition: Expression; readonly then: readonly Node[]; readonly otherwise: readonly Node[] };

/** `text` and `at` are for who reads an error: what was written, and how many characters before it. */
export type Expression = { readonly text: string; readonly at: number } & (
  | { readonly type: 'literal'; readonly value: string | number | boolean }
  /** Of the container; no names: the container itself. */
  | { readonly type: 'field'; readonly names: readonly string[] }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly type: 'member'; readonly of: Expression; readonly names: readonly string[] }
);

interface Token {
  readonly text: string;
  readonly at: number;
}

/** Of Go's what a tag has no use for, or what makes much of little: the engine renders it for whoever asks. */
const UNSUPPORTED = new Set(['with', 'range', 'define', 'template', 'block', 'break', 'continue', 'call', 'js', 'slice']);
const MOST_CHARACTERS = 16 * 1024;
const DEEPEST = 50;

/** What dockerd says before it says why. */
export const LOGGING_FAILED = 'failed to create task for container: failed to initialize logging driver: ';

/** As dockerd says it, which first looks at a tag at a start. `at`: undefined for what does not parse. */
export function templateError(says: string, at?: Token): Error {
  return unclassified(`${LOGGING_FAILED}template: log-tag:1${at === undefined ? '' : `:${at.at}: executing "log-tag" at <${at.text}>`}: ${says}`);
}

const TOKEN = /\s*(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|\$(?:\.[A-Za-z_]\w*)*)|([A-Za-z_]\w*)|([+-]?\d+)|([().|]))/y;

/** Throws, in Go's words, for what is no template, or calls a function that there is not. */
export function parseTemplate(template: string): readonly Node[] {
  if (template.length > MOST_CHARACTERS) throw unclassified(`${LOGGING_FAILED}a log tag has ${MOST_CHARACTERS} characters at most`);
  const open: { readonly condition: Expression; readonly then: Node[]; otherwise?: Node[]; readonly nested: boolean }[] = [];
  const top: Node[] = [];
  const into = (): Node[] => open.at(-1)?.otherwise ?? open.at(-1)?.then ?? top;
  const begin = (tokens: readonly Token[], nested: boolean): void => {
    if (open.length === DEEPEST) throw templateError('too many parts within one another');
    open.push({ condition: expressionOf(tokens), then: [], nested });
  };
  const close = (): void => {
    const part = open.pop();
    if (part === undefined) throw templateError('unexpected {{end}}');
    into().push({ type: 'if', condition: part.condition, then: part.then, otherwise: part.otherwise ?? [] });
    // "else if" is an if within the else, and ends with it.
    if (part.nested) close();
  };
  for (const { text, action, at } of piecesOf(template)) {
    if (text !== '') into().push({ type: 'text', text });
    if (action === undefined) continue;
    const tokens = tokensOf(action, at);
    const [first, second] = tokens;
    if (first?.text === 'end' && tokens.length === 1) close();
    else if (first?.text === 'if') begin(tokens.slice(1), false);
    else if (first?.text === 'else') {
      const part = open.at(-1);
      if (part === undefined || part.otherwise !== undefined) throw templateError('unexpected {{else}}');
      part.otherwise = [];
      if (second?.text === 'if') begin(tokens.slice(2), true);
      else if (second !== undefined) throw templateError(`unexpected <${second.text}> in else`);
    } else into().push({ type: 'show', value: expressionOf(tokens) });
  }
  if (open.length > 0) throw templateError('unexpected EOF');
  return top;
}

interface Piece {
  readonly text: string;
  readonly action?: string;
  /** Where the action's words begin. */
  readonly at: number;
}

/** Text, and the action behind it. "{{-" and "-}}" take the blanks away that lie beside them. */
function* piecesOf(template: string): Generator<Piece> {
  let from = 0;
  let trims = false;
  for (;;) {
    const start = template.indexOf('{{', from);
    const before = template.slice(from, start < 0 ? undefined : start);
    const text = trims ? before.trimStart() : before;
    if (start < 0) return yield { text, at: from };
    const trimsLeft = /^\{\{-\s/.test(template.slice(start, start + 4));
    const begin = start + (trimsLeft ? 3 : 2);
    const end = endOfAction(template, begin);
    trims = /\s-$/.test(template.slice(begin, end));
    const action = template.slice(begin, trims ? end - 1 : end);
    yield { text: trimsLeft ? text.trimEnd() : text, at: begin, ...(/^\s*\/\*[\s\S]*\*\/\s*$/.test(action) ? {} : { action }) };
    from = end + 2;
  }
}

/** Of the "}}" that is in no string. */
function endOfAction(template: string, begin: number): number {
  const inside = /\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|\}\}|["`]/g;
  inside.lastIndex = begin;
  for (let found = inside.exec(template); found !== null; found = inside.exec(template)) {
    if (found[0] === '}}') return found.index;
    if (found[0] === '"') throw templateError('unterminated quoted string');
    if (found[0] === '`') throw templateError('unterminated raw quoted string');
  }
  throw templateError('unclosed action');
}

function tokensOf(action: string, at: number): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (action.slice(TOKEN.lastIndex).trim() !== '') {
    const from = TOKEN.lastIndex;
    const found = TOKEN.exec(action);
    if (found === null) throw templateError(`unexpected "${action.slice(from).trim().charAt(0)}" in command`);
    const text = found[0].trimStart();
    tokens.push({ text, at: at + TOKEN.lastIndex - text.length });
  }
  return tokens;
}

/** A pipeline: what stands before a bar is the last argument of what follows it. */
function expressionOf(tokens: readonly Token[]): Expression {
  let rest = [...tokens];
  let depth = 0;
  const pipeline = (): Expression => {
    let value = command();
    while (rest[0]?.text === '|') {
      rest = rest.slice(1);
      value = command(value);
    }
    return value;
  };
  const command = (last?: Expression): Expression => {
    const [first] = rest;
    if (first === undefined || first.text === '|' || first.text === ')') throw templateError('missing value for command');
    if (!/^[A-Za-z_]/.test(first.text) || /^(true|false|nil)$/.test(first.text)) {
      const value = operand();
      if (last !== undefined || isOperand(rest[0])) throw templateError(`can't give argument to non-function ${first.text}`, first);
      return value;
    }
    rest = rest.slice(1);
    const { text: name } = first;
    if (UNSUPPORTED.has(name)) throw templateError(`Berth does not support {{${name}}} in a log tag`);
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (known === undefined) throw templateError(`function "${name}" not defined`);
    const args: Expression[] = [];
    while (isOperand(rest[0])) args.push(operand());
    if (last !== undefined) args.push(last);
    const { least, most = least } = known;
    if (args.length < least || args.length > most) throw templateError(`wrong number of args for ${name}: want ${least < most ? `at least ${least}` : least} got ${args.length}`, first);
    return { type: 'call', name, args, ...first };
  };
  const operand = (): Expression => {
    const [token] = rest;
    if (token === undefined) throw templateError('missing value for command');
    rest = rest.slice(1);
    const { text } = token;
    if (text !== '(') return operandOf(token);
    if (++depth > DEEPEST) throw templateError('too many parts within one another');
    const value = pipeline();
    depth--;
    if (rest[0]?.text !== ')') throw templateError('unclosed left paren');
    rest = rest.slice(1);
    const [next] = rest;
    if (next === undefined || !/^\.[A-Za-z_]/.test(next.text)) return value;
    rest = rest.slice(1);
    return { type: 'member', of: value, names: namesIn(next.text), ...next };
  };
  const value = pipeline();
  if (rest[0] !== undefined) throw templateError(`unexpected <${rest[0].text}> in command`);
  return value;
}

const isOperand = (token: Token | undefined): boolean => token !== undefined && token.text !== '|' && token.text !== ')';
const namesIn = (text: string): readonly string[] => text.split('.').filter((name) => name !== '' && name !== '$');

function operandOf(token: Token): Expression {
  const { text } = token;
  if (text.startsWith('`')) return { type: 'literal', value: text.slice(1, -1), ...token };
  if (text.startsWith('"')) return { type: 'literal', value: unquoted(text), ...token };
  if (/^[+-]?\d/.test(text)) return { type: 'literal', value: Number(text), ...token };
  if (text === 'true' || text === 'false') return { type: 'literal', value: text === 'true', ...token };
  if (text === 'nil') throw templateError('nil is not a command', token);
  if (text.startsWith('.') || text.startsWith('$')) return { type: 'field', names: namesIn(text), ...token };
  // A function without arguments, as one of another's.
  const known = Object.hasOwn(FUNCTIONS, text) ? FUNCTIONS[text] : undefined;
  if (known === undefined) throw templateError(`function "${text}" not defined`);
  if (known.least > 0) throw templateError(`wrong number of args for ${text}: want ${known.least} got 0`, token);
  return { type: 'call', name: text, args: [], ...token };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
const unquoted = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, (_, sign: string) => ESCAPES[sign] ?? sign);

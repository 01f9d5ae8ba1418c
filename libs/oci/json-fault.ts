/**
 * What Go's encoding/json says of text that is no JSON, as clients of dockerd know it. Of a stream a value is read, which may end too early and have something behind it: ''. Of the whole
 * text it is all that there may be.
 */
export function jsonFault(text: string, of: 'stream' | 'whole'): string {
  try {
    // Go tells of bytes.
    const scanner = new Scanner(Buffer.from(text).toString('latin1'));
    scanner.value();
    const behind = scanner.next();
    return behind === undefined || of === 'stream' ? '' : unexpected(behind, 'after top-level value');
  } catch (error) {
    if (error instanceof Fault) return error.message;
    if (!(error instanceof TooEarly)) throw error;
    return of === 'whole' ? 'unexpected end of JSON input' : text.trim() === '' ? 'EOF' : 'unexpected EOF';
  }
}

/** The text of the first value, of text that begins with one: Go's decoder of a stream leaves what is behind it alone. */
export function firstValue(text: string): string {
  const bytes = Buffer.from(text);
  const scanner = new Scanner(bytes.toString('latin1'));
  scanner.value();
  return bytes.subarray(0, scanner.position).toString();
}

class Fault extends Error {}
class TooEarly extends Error {}

const LITERALS: ReadonlyMap<string, string> = new Map([['t', 'true'], ['f', 'false'], ['n', 'null']]);
const CLOSES: Readonly<Record<'{' | '[', string>> = { '{': '}', '[': ']' };
const quoted = (character: string): string => (character === "'" ? "'\\''" : character === '"' ? `'"'` : `'${shown(character)}'`);
const unexpected = (character: string, where: string): string => `invalid character ${quoted(character)} ${where}`;

function shown(character: string): string {
  const code = character.charCodeAt(0);
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f', '\v': '\\v', '\x07': '\\a', '\\': '\\\\' };
  return named[character] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : code >= 0x80 && code < 0xa0 ? `\\u00${code.toString(16)}` : character);
}

/** Of one value, however deep: what is open is in a list and not on the stack. */
class Scanner {
  private at = 0;
  private readonly open: ('{' | '[')[] = [];

  constructor(private readonly text: string) {}

  get position(): number {
    return this.at;
  }

  /** The next character that is no blank. */
  next(): string | undefined {
    while (/^[ \t\r\n]$/.test(this.text[this.at] ?? '')) this.at++;
    return this.text[this.at];
  }

  value(): void {
    this.begun(this.need());
    while (this.open.length > 0) {
      const within = this.open.at(-1) ?? '{';
      const character = this.need();
      if (character !== CLOSES[within] && character !== ',') throw new Fault(unexpected(character, within === '{' ? 'after object key:value pair' : 'after array element'));
      this.at++;
      if (character !== ',') this.open.pop();
      else if (within === '{') this.key();
      else this.begun(this.need());
    }
  }

  /** A value that has no others in it, or the beginning of one that has, up to the end of the first of these. */
  private begun(first: string): void {
    for (let character = first; ; character = this.need()) {
      if (character !== '{' && character !== '[') return this.scalar(character);
      this.at++;
      const next = this.need();
      if (next === CLOSES[character]) return void this.at++;
      this.open.push(character);
      if (character === '{') return this.key();
    }
  }

  /** A key and its value, up to the end of that or of the first that is in it. */
  private key(): void {
    const character = this.need();
    if (character !== '"') throw new Fault(unexpected(character, 'looking for beginning of object key string'));
    this.string();
    const colon = this.need();
    if (colon !== ':') throw new Fault(unexpected(colon, 'after object key'));
    this.at++;
    this.begun(this.need());
  }

  private scalar(first: string): void {
    const literal = LITERALS.get(first);
    if (literal !== undefined) return this.literal(literal);
    if (first === '"') return this.string();
    if (first === '-' || /^\d$/.test(first)) return this.number();
    throw new Fault(unexpected(first, 'looking for beginning of value'));
  }

  private literal(word: string): void {
    for (const wanted of word) this.expect((found) => found === wanted, `in literal ${word} (expecting ${quoted(wanted)})`);
  }

  private string(): void {
    for (this.at++; ; ) {
      const character = this.take();
      if (character === '"') return;
      if (character < ' ') throw new Fault(unexpected(character, 'in string literal'));
      if (character !== '\\') continue;
      const escape = this.take();
      if (escape === 'u') for (let digit = 0; digit < 4; digit++) this.expect((found) => /^[0-9a-fA-F]$/.test(found), 'in \\u hexadecimal character escape');
      else if (!'bfnrt\\/"'.includes(escape)) throw new Fault(unexpected(escape, 'in string escape code'));
    }
  }

  private number(): void {
    if (this.text[this.at] === '-') this.at++;
    const isZero = this.text[this.at] === '0';
    this.expect((found) => /^\d$/.test(found), 'in numeric literal');
    if (!isZero) this.digits();
    if (this.text[this.at] === '.') {
      this.at++;
      this.expect((found) => /^\d$/.test(found), 'after decimal point in numeric literal');
      this.digits();
    }
    if (/^[eE]$/.test(this.text[this.at] ?? '')) {
      this.at++;
      if (/^[+-]$/.test(this.text[this.at] ?? '')) this.at++;
      this.expect((found) => /^\d$/.test(found), 'in exponent of numeric literal');
      this.digits();
    }
  }

  private digits(): void {
    while (/^\d$/.test(this.text[this.at] ?? '')) this.at++;
  }

  private expect(fits: (character: string) => boolean, where: string): void {
    const character = this.take();
    if (!fits(character)) throw new Fault(unexpected(character, where));
  }

  private take(): string {
    const character = this.text[this.at++];
    if (character === undefined) throw new TooEarly();
    return character;
  }

  private need(): string {
    const character = this.next();
    if (character === undefined) throw new TooEarly();
    return character;
  }
}

type Reader = 'Atoi' | 'ParseInt' | 'ParseUint';

const FORM: Readonly<Record<Reader, RegExp>> = { Atoi: /^[+-]?\d+$/, ParseInt: /^[+-]?\d+$/, ParseUint: /^\d+$/ };
/** Of Go's int64. */
const [LEAST, LARGEST] = [-(2n ** 63n), 2n ** 63n - 1n];
/** Of a port, which is all that is read without a sign. */
const LARGEST_PORT = 65_535n;

/** A whole number as Go's package strconv reads it, the nearest that JavaScript has. Throws a SyntaxError with Go's words for what is none: whoever asks knows what comes of that. */
export function goInteger(reader: Reader, text: string): number {
  const wrong = (why: string): SyntaxError => new SyntaxError(`strconv.${reader}: parsing ${JSON.stringify(text)}: ${why}`);
  if (!FORM[reader].test(text)) throw wrong('invalid syntax');
  const value = BigInt(text.replace('+', ''));
  const [least, largest] = reader === 'ParseUint' ? [0n, LARGEST_PORT] : [LEAST, LARGEST];
  if (value < least || value > largest) throw wrong('value out of range');
  return Number(value);
}

import { LARGEST_INTEGER } from '#contracts/containers/field-shapes.js';

/** TypeScript's library does not know ES2025's raw text yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Numbers that may be more than JavaScript has one of for each. */
const MAYBE_LARGE = /[:[,]-?\d{16}/;
/** The largest of 64 bits, which clients say for no limit. */
const LARGEST_OF_ALL = String(2n ** 63n - 1n);

/** JSON as Go writes it: all digits of a whole number, where JavaScript ends after seventeen. */
export function exactJson(value: unknown): string {
  const text = JSON.stringify(value);
  return MAYBE_LARGE.test(text) ? JSON.stringify(value, exactly) : text;
}

function exactly(_: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) return value;
  return rawJSON(value === LARGEST_INTEGER ? LARGEST_OF_ALL : String(BigInt(value)));
}

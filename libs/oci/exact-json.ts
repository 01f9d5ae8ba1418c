/** TypeScript's library does not know ES2025's raw text yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Numbers that may be more than JavaScript has one of for each. */
const MAYBE_LARGE = /[:[,]-?\d{16}/;

/** JSON as Go writes it: all digits of a whole number, where JavaScript ends after seventeen. `digits`: of one that is beyond what JavaScript has one of for each. */
export function exactJson(value: unknown, digits = (number: number): string => String(BigInt(number))): string {
  const text = JSON.stringify(value);
  return MAYBE_LARGE.test(text) ? JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' && Number.isInteger(one) && !Number.isSafeInteger(one) ? rawJSON(digits(one)) : one)) : text;
}

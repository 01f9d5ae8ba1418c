import { LARGEST_INTEGER } from '#contracts/containers/field-shapes.js';
import { BerthError, invalid, unclassified } from '#libs/errors/errors.js';
import { firstValue, jsonFault } from '#libs/oci/json-fault.js';

/** What dockerd says before it says what Go does. */
const INVALID_JSON = 'invalid JSON: ';

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** TypeScript's library does not know ES2025's source text yet. */
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Numbers that may be more than JavaScript counts: with as many digits, or an exponent. */
const MAYBE_LARGE = /\d{16}|\d[eE]\+?\d/;
const LIMIT = 2n ** 63n;

/**
 * A body as JSON. The API's whole numbers have 64 bits: what does not fit is refused, as Go refuses it. Of those with more than 53 JavaScript has some: these are kept, and others refused, since none is to
 * become another. The largest of all, which stands for no limit, is LARGEST_INTEGER here, and shown as itself (exact-json.ts). Throws SyntaxError, and invalid for a number.
 */
export function readJson(text: string): unknown {
  return MAYBE_LARGE.test(text) ? parse(text, kept) : JSON.parse(text);
}

/** A request's body. Throws invalid, in dockerd's words, for what is no JSON, or has values in values without end. */
export function readJsonBody(text: string): unknown {
  checkDepth(text);
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const fault = jsonFault(text, 'stream');
    throw invalid(fault === '' ? 'unexpected content after JSON' : `${INVALID_JSON}${fault === 'EOF' ? 'got EOF while reading request body' : fault}`, error);
  }
}

/** As readJsonBody, of a route where dockerd takes the first value, whatever is behind it. */
export function readFirstJson(text: string): unknown {
  return readJsonBody(jsonFault(text, 'stream') === '' ? firstValue(text) : text);
}

/** Of what is wrong with a body at a route where dockerd says no more than Go does, and with 500. */
export function asGoSaysIt(error: unknown): unknown {
  return error instanceof BerthError && error.message.startsWith(INVALID_JSON) ? unclassified(error.message.slice(INVALID_JSON.length), error) : error;
}

/** Go reads ten times as many, the API knows some ten; whoever walks through what was read has a stack that ends. */
const DEEPEST = 1_000;

function checkDepth(text: string): void {
  if (text.length <= DEEPEST) return;
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) at += character === '\\' ? 1 : 0;
    else if (character === '}' || character === ']') depth--;
    else if ((character === '{' || character === '[') && ++depth > DEEPEST) throw invalid(`${INVALID_JSON}invalid character '${character}' exceeded max depth`);
  }
}

const kept: Reviver = function (key, value, { source }) {
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  const digits = source ?? '';
  const exact = /^-?\d+$/.test(digits) ? BigInt(digits) : undefined;
  if (exact === undefined || exact >= LIMIT || exact < -LIMIT) throw invalid(`json: cannot unmarshal number ${digits} into Go struct field ${key} of type int64`);
  if (exact === LIMIT - 1n) return LARGEST_INTEGER;
  if (BigInt(value) !== exact) throw invalid(`Berth cannot keep ${key} as ${digits}: of whole numbers beyond ${Number.MAX_SAFE_INTEGER} it has only some, of which ${BigInt(value)} is the nearest`);
  return value;
};

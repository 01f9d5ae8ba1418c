import { invalid } from '#libs/errors/errors.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that foreign bytes hold. Throws invalid when they are too many, no UTF-8 JSON, or no object. */
export function parseJsonObject(bytes: Uint8Array, what: string, limitBytes: number): JsonObject {
  const value = parseJson(bytes, what, limitBytes);
  if (!isObject(value)) throw invalid(`${what} is not a JSON object`);
  return value;
}

export function parseJson(bytes: Uint8Array, what: string, limitBytes: number): unknown {
  if (bytes.length > limitBytes) throw invalid(`${what} has ${bytes.length} bytes, more than ${limitBytes}`);
  if (isNestedDeeper(bytes, DEEPEST)) throw invalid(`${what} is nested deeper than ${DEEPEST} levels`);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch (error) {
    throw invalid(`${what} is not JSON`, error);
  }
}

/** What is parsed in a loop is written, compared and walked by functions that call themselves. */
const DEEPEST = 256;

function isNestedDeeper(bytes: Uint8Array, most: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > most) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The strings of a list; undefined where there is none. Throws invalid on a list of something else. */
export function strings(value: unknown, what: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw invalid(`${what} is not a list of strings`);
  return value as string[];
}

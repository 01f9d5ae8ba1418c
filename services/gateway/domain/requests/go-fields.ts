import { type BerthError, invalid } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';

type Fields = Readonly<Record<string, unknown>>;

/** A body that is to be an object, as dockerd, which is written in Go, reads it: none, or null, is an empty one. `type`: what Go calls it. Throws invalid for any other JSON, in Go's words. */
export function bodyFields(body: unknown, type: string): Fields {
  if (body === undefined || body === null) return {};
  if (!isFields(body)) throw invalid(`invalid JSON: json: cannot unmarshal ${kindOf(body)} into Go value of type ${type}`);
  return body;
}

/** That a field's value is of another type than Go has for it. `field`: "CreateOptions.Name". */
function wrongType(value: unknown, field: string, type: string): BerthError {
  return invalid(`invalid JSON: json: cannot unmarshal ${kindOf(value)} into Go struct field ${field} of type ${type}`);
}

/** Null says nothing. Throws invalid for what is no text. */
export function textField(owner: string, fields: Fields, name: string): string {
  const value = fields[name] ?? '';
  if (typeof value !== 'string') throw wrongType(value, `${owner}.${name}`, 'string');
  return value;
}

/** Null says no. Throws invalid for what is neither true nor false. */
export function truthField(owner: string, fields: Fields, name: string): boolean {
  const value = fields[name] ?? false;
  if (typeof value !== 'boolean') throw wrongType(value, `${owner}.${name}`, 'bool');
  return value;
}

/** Null is none. Throws invalid for what is no list of texts. */
export function textsField(owner: string, fields: Fields, name: string): string[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw wrongType(value, `${owner}.${name}`, '[]string');
  return value.map((one: unknown) => {
    if (typeof one !== 'string' && one !== null) throw wrongType(one, `${owner}.${name}`, 'string');
    return one ?? '';
  });
}

/** Texts by names that a client chose; null, in their place and in that of one of them, is nothing. Throws invalid for anything else. */
export function textsByNameField(owner: string, fields: Fields, name: string): Readonly<Record<string, string>> | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (!isFields(value)) throw wrongType(value, `${owner}.${name}`, 'map[string]string');
  return Object.fromEntries(Object.keys(value).map((key) => [key, textField(`${owner}.${name}`, value, key)]));
}

/** Rows and columns: as in Go's arrays, what is missing or null is 0, and what is too much is passed over. Throws invalid for what is no list of numbers of a size. */
export function consoleSizeField(owner: string, { ConsoleSize: size }: Fields): number[] | undefined {
  if (size === undefined || size === null) return undefined;
  if (!Array.isArray(size)) throw wrongType(size, `${owner}.ConsoleSize`, '[2]uint');
  return [0, 1].map((at) => {
    const value: unknown = size[at] ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw wrongType(value, `${owner}.ConsoleSize`, 'uint');
    return value;
  });
}

/** What Go calls it. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return `number${Number.isInteger(value) && value >= 0 ? '' : ` ${value}`}`;
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

import { errorMessage, invalid, unclassified } from '#libs/errors/errors.js';
import { goInteger } from './go-numbers.js';

/** Query parameters as the HTTP parser gives them: repeated ones are lists. */
export type QueryValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value given, as Go reads them, also in authorization plugins; or absent. */
export function text(query: QueryValues, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'object' ? value[0] : value;
}

/** As dockerd reads them: everything is true but '', 0, no, false and none. */
export function flag(query: QueryValues, name: string): boolean {
  return !['', '0', 'no', 'false', 'none'].includes((text(query, name) ?? '').trim().toLowerCase());
}

/** An integer as dockerd reads it; absent and '' are absent. Throws for anything else, with Go's words, as dockerd does. */
export function integer(query: QueryValues, name: string): number | undefined {
  const value = text(query, name);
  if (value === undefined || value === '') return undefined;
  try {
    return goInteger('Atoi', value);
  } catch (error) {
    throw unclassified(errorMessage(error), error);
  }
}

/** An integer that Berth alone takes; absent and '' are absent. Throws `invalid` for anything else. */
export function ownInteger(query: QueryValues, name: string): number | undefined {
  const value = text(query, name);
  if (value === undefined || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw invalid(`invalid value "${value}" for "${name}": a number is needed`);
  return Number(value);
}

export function list(query: QueryValues, name: string): readonly string[] {
  const value = query[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

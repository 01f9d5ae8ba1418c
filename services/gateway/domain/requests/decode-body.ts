import { type BerthError, invalid } from '#libs/errors/errors.js';
import { API_BODIES } from './api-bodies.js';
import { isFields } from './create-request.js';
import { kindOf } from './go-fields.js';
import type { GoStruct, GoType } from './go-types.js';

/**
 * A body as Go decodes it: with its fields named as the API names them, since the case of a name means nothing to dockerd, as to Go's JSON, and everything to who reads a body here. Where
 * one has the very name, another of it in other letters is left as it is, and with it to be refused. Throws invalid, in Go's words, for a field of another type than the API has for it;
 * null is none, and whether the whole is an object is for others to say. `path`: of the route, without version and query.
 */
export function decodeBody(path: string, body: unknown): unknown {
  const found = API_BODIES.find(({ route }) => route.test(path));
  return found === undefined || !isFields(body) ? body : decodedStruct(body, found.type, found.owner);
}

/** `at`: the owner's name, and from there on a JSON pointer with dots in place of slashes. */
function decoded(value: unknown, type: GoType, at: string): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case 'text':
      if (typeof value !== 'string') throw wrongType(value, type, at);
      return value;
    case 'truth':
      if (typeof value !== 'boolean') throw wrongType(value, type, at);
      return value;
    case 'number':
      if (typeof value !== 'number' || !Number.isInteger(value) || value < type.least || value > type.most) throw wrongType(value, type, at);
      return value;
    case 'texts or text':
      if (typeof value !== 'string' && !(Array.isArray(value) && value.every((item: unknown) => typeof item === 'string' || item === null))) {
        throw invalid(`invalid JSON: json: cannot unmarshal ${kindOf(value)} into Go value of type ${type.name}`);
      }
      return value;
    case 'list':
      if (!Array.isArray(value)) throw wrongType(value, type, at);
      return value.map((item: unknown, index) => decoded(item, type.of, `${at}.${index}`));
    case 'map':
      if (!isFields(value)) throw wrongType(value, type, at);
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decoded(item, type.of, below(at, name))]));
    case 'struct':
      if (!isFields(value)) throw wrongType(value, type, at);
      return decodedStruct(value, type, at);
  }
}

function decodedStruct(value: Readonly<Record<string, unknown>>, { fields, folded }: GoStruct, at: string): unknown {
  const taken = new Set(Object.keys(value).filter((name) => fields.has(name)));
  return Object.fromEntries(
    Object.entries(value).map(([given, field]) => {
      const meant = fields.has(given) ? given : folded.get(given.toLowerCase());
      const type = meant === undefined || (meant !== given && taken.has(meant)) ? undefined : fields.get(meant);
      if (meant === undefined || type === undefined) return [given, field];
      taken.add(meant);
      return [meant, decoded(field, type, below(at, meant))];
    }),
  );
}

const below = (at: string, name: string): string => `${at}.${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;

function wrongType(value: unknown, { kind, name }: GoType, at: string): BerthError {
  const given = typeof value === 'number' ? (kind === 'number' ? `number ${value}` : 'number') : kindOf(value);
  return invalid(`invalid JSON: json: cannot unmarshal ${given} into ${/\.\d+$/.test(at) ? '' : 'Go struct field '}${at} of type ${name}`);
}

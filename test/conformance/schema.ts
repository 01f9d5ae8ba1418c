import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ErrorObject } from 'ajv';
import { parse } from 'yaml';

export interface OfficialSchema {
  /** What does not fit in the body of the 200 answer to GET `path`, in words. */
  problems(path: string, body: unknown): string[];
}

interface Swagger {
  readonly definitions: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, { readonly get?: { readonly responses: Readonly<Record<string, { readonly schema?: unknown }>> } }>>;
}

/** The Engine API's own description, where it lies beside the repository or where ENGINE_API_SCHEMA says; undefined where there is none. */
export function officialSchema(): OfficialSchema | undefined {
  const path = process.env['ENGINE_API_SCHEMA'] ?? fileURLToPath(new URL('../../../../shared/engine-api/swagger.yaml', import.meta.url));
  if (!existsSync(path)) {
    console.warn(`${path} is not there: answers are not held against the official schema`);
    return undefined;
  }
  const swagger = asJsonSchema(parse(readFileSync(path, 'utf8'))) as Swagger;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'engine', definitions: swagger.definitions });
  return {
    problems(place, body) {
      const schema = swagger.paths[place]?.get?.responses['200']?.schema;
      if (schema === undefined) throw new Error(`the official schema has no GET ${place}`);
      ajv.validate(schema as object, withoutKnownNulls(body));
      return (ajv.errors ?? []).map(({ instancePath, message }: ErrorObject) => `${instancePath} ${message}`);
    },
  };
}

/** dockerd itself sends null here, against its own description, and clients know it. */
function withoutKnownNulls(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (name, value: unknown) => (value === null && (name === 'MemorySwappiness' || name === 'ExitCode') ? undefined : value));
}

/** Swagger 2 words that JSON Schema has not: `x-nullable`, and references within the document. Go sends null for empty lists and maps, so null fits those. */
function asJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asJsonSchema);
  if (typeof value !== 'object' || value === null) return value;
  const { 'x-nullable': nullable, $ref, example: _example, ...rest } = value as Record<string, unknown>;
  if (typeof $ref === 'string') {
    const reference = { $ref: `engine${$ref}` };
    return { anyOf: [reference, { type: 'null' }] };
  }
  const schema = Object.fromEntries(Object.entries(rest).map(([name, one]) => [name, asJsonSchema(one)]));
  if (typeof schema['type'] === 'string' && (nullable === true || schema['type'] === 'array' || schema['type'] === 'object')) schema['type'] = [schema['type'], 'null'];
  if (Array.isArray(schema['enum']) && nullable === true) schema['enum'] = [...(schema['enum'] as unknown[]), null];
  return schema;
}

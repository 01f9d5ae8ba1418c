import { getMetadataStorage } from 'class-validator';

export interface JsonSchema {
  readonly [word: string]: unknown;
}

interface Rule {
  readonly propertyName: string;
  readonly type: string;
  readonly name?: string;
  readonly constraints?: readonly unknown[];
  readonly each?: boolean;
}

const TEXT: JsonSchema = { type: ['string', 'null'] };

const objects = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema => ({ type: 'array', items: { type: 'object', properties, ...(required.length === 0 ? {} : { required }) } });

/** What each rule of class-validator means in JSON Schema (2020-12). A rule that is not here is a fault: the schema would say less than the class. */
const WORDS: Readonly<Record<string, (constraints: readonly unknown[]) => JsonSchema>> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isObject: () => ({ type: 'object' }),
  isArray: () => ({ type: 'array' }),
  isIn: ([values]) => ({ enum: values }),
  min: ([least]) => ({ minimum: least }),
  max: ([most]) => ({ maximum: most }),
  areTextsByName: () => ({ type: 'object', additionalProperties: { type: 'string' } }),
  areMounts: () => objects({ Type: TEXT, Target: TEXT, Source: TEXT, ReadOnly: { type: ['boolean', 'null'] }, BindOptions: {}, VolumeOptions: {}, TmpfsOptions: {} }, ['Type', 'Target']),
  arePortBindings: () => ({ type: 'object', additionalProperties: { anyOf: [objects({ HostIp: TEXT, HostPort: TEXT }), { type: 'null' }] } }),
  areDevices: () => objects({ PathOnHost: TEXT, PathInContainer: TEXT, CgroupPermissions: TEXT }, ['PathOnHost']),
  areDeviceRequests: () => objects({ Driver: TEXT, Count: { type: ['integer', 'null'] }, DeviceIDs: { type: ['array', 'null'], items: { type: 'string' } }, Capabilities: { type: ['array', 'null'], items: { type: 'array', items: { type: 'string' } } }, Options: { type: ['object', 'null'], additionalProperties: { type: 'string' } } }),
  areThrottles: () => objects({ Path: TEXT, Rate: { type: 'integer' } }, ['Path', 'Rate']),
  areDeviceWeights: () => objects({ Path: TEXT, Weight: { type: 'integer' } }, ['Path', 'Weight']),
  areUlimits: () => objects({ Name: TEXT, Soft: { type: 'integer' }, Hard: { type: 'integer' } }, ['Name', 'Soft', 'Hard']),
  isRestartPolicy: () => ({ type: 'object', properties: { Name: TEXT, MaximumRetryCount: { type: ['integer', 'null'] } } }),
  isHealthcheck: () => ({
    type: 'object',
    properties: { Test: { type: ['array', 'null'], items: { type: 'string' } }, ...Object.fromEntries(['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'].map((name) => [name, { type: ['integer', 'null'] }])) },
  }),
  isLogConfig: () => ({ type: 'object', properties: { Type: TEXT, Config: { type: ['object', 'null'], additionalProperties: { type: 'string' } } } }),
  matches: ([pattern]) => ({ pattern: (pattern as RegExp).source }),
};

/** The JSON Schema of a contract class, read from its decorators. Throws for a rule without a counterpart. */
export function schemaOf(type: abstract new () => object): JsonSchema {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false) as readonly Rule[];
  const properties: Record<string, Record<string, unknown>> = {};
  const optional = new Set<string>();
  for (const { propertyName, type: kind, name = '', constraints = [], each = false } of rules.toSorted((one, other) => (one.propertyName < other.propertyName ? -1 : 1))) {
    const property = (properties[propertyName] ??= {});
    if (kind === 'conditionalValidation') {
      optional.add(propertyName);
    } else if (kind === 'nestedValidation') {
      Object.assign(property, schemaOf(Reflect.getMetadata('design:type', type.prototype as object, propertyName) as new () => object));
    } else {
      const words = WORDS[name];
      if (words === undefined) throw new Error(`${type.name}.${propertyName}: no words of JSON Schema for the rule "${name}"`);
      if (each) property['items'] = { ...(property['items'] as object | undefined), ...words(constraints) };
      else Object.assign(property, words(constraints));
    }
  }
  // What may be left out may be null too: IsOptional passes over both.
  for (const name of optional) if (typeof properties[name]?.['type'] === 'string') properties[name]['type'] = [properties[name]['type'], 'null'];
  const required = Object.keys(properties).filter((name) => !optional.has(name));
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
}

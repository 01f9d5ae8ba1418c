import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { IsArray, IsInt, IsOptional, IsString, Length, Min } from 'class-validator';
import { expect, test } from 'vitest';
import { BERTH_ROUTES } from '#contracts/gateway/log-replies.js';
import { schemaOf } from './class-schema.js';
import { documents } from './documents.js';
import { generatedFiles } from './generated-files.js';

class Order {
  @IsString() readonly name!: string;
  @IsOptional() @IsInt() @Min(1) readonly count?: number;
  @IsArray() @IsString({ each: true }) readonly tags!: string[];
}

class Strange {
  @Length(3) readonly word!: string;
}

test.each([...generatedFiles()].map(([path, text]) => [basename(path), path, text]))('%s is what the contracts say: npm run schemas', (_, path, text) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('the rules of a class are words of its schema', () => {
  expect(schemaOf(Order)).toEqual({
    type: 'object',
    properties: { count: { type: ['integer', 'null'], minimum: 1 }, name: { type: 'string' }, tags: { type: 'array', items: { type: 'string' } } },
    required: ['name', 'tags'],
  });
  expect(() => schemaOf(Strange)).toThrow('Strange.word: no words of JSON Schema for the rule "isLength"');
});

test('of what can be tried, OpenAPI tells both answers: of one that is done and of a dry run', () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(documents()['openapi.json'] as object, 'openapi');
  const planned = { events: [{ subject: 'berth.event.container.0', type: 'ContainerProtected', data: {} }] };
  for (const { method = 'get', path, query } of BERTH_ROUTES) {
    const place = `${path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}/responses/200/content`;
    const fits = (value: object): boolean | Promise<unknown> => ajv.validate(`openapi#/paths/${place}/${path.endsWith('/events') ? 'application~1x-ndjson' : 'application~1json'}/schema`, value);
    expect(fits(planned), `${method} ${path}`).toBe(query.includes('dryRun'));
    expect(fits({ events: [{}] }), `${method} ${path}`).toBe(false);
  }
  expect(BERTH_ROUTES.filter(({ query }) => query.includes('dryRun'))).not.toEqual([]);
});

test('the schemas are sound, and tell good requests from bad ones', () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(documents()['schemas.json'] as object);
  const fits = (name: string, value: unknown): boolean => ajv.validate(`berth#/$defs/${name}`, value);
  expect(fits('CreateContainer', { config: { Image: 'x' }, hostConfig: {} })).toBe(true);
  expect(fits('CreateContainer', { config: { Image: 7 }, hostConfig: {} })).toBe(false);
  expect(fits('StopContainer', { container: 'x', timeoutSeconds: -2 })).toBe(false);
  for (const container of ['', '..', 'a'.repeat(63)]) expect(fits('RemoveContainerFiles', { container })).toBe(false);
  expect(fits('RemoveContainerFiles', { container: 'a'.repeat(64) })).toBe(true);
  expect(fits('ResizeContainer', { container: 'x', rows: 70_000, columns: 80 })).toBe(false);
});

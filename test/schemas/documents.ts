import 'reflect-metadata';
import * as containerCommands from '#contracts/containers/commands.js';
import * as protection from '#contracts/containers/protection.js';
import * as edit from '#contracts/containers/edit.js';
import * as undo from '#contracts/containers/undo.js';
import * as containerQueries from '#contracts/containers/queries.js';
import * as host from '#contracts/executor/host.js';
import * as kept from '#contracts/executor/kept.js';
import * as tasks from '#contracts/executor/tasks.js';
import { BERTH_ROUTES } from '#contracts/gateway/log-replies.js';
import * as images from '#contracts/images/images.js';
import * as networks from '#contracts/networks/networks.js';
import * as volumes from '#contracts/volumes/volumes.js';
import { type JsonSchema, schemaOf } from './class-schema.js';

type Contract = (new () => object) & { readonly subject: string };

const REQUESTS: readonly Contract[] = [containerCommands, containerQueries, protection, undo, edit, host, kept, tasks, images, networks, volumes]
  .flatMap((module) => Object.values(module) as readonly unknown[])
  .filter((one): one is Contract => typeof one === 'function' && typeof (one as Partial<Contract>).subject === 'string')
  .toSorted((one, other) => (one.subject < other.subject ? -1 : 1));

/** Whose events are on the log, by aggregate. */
const AGGREGATES = ['access', 'container', 'exec', 'image', 'name', 'network', 'pool', 'task', 'volume'];

const byName = (types: readonly (new () => object)[]): Record<string, JsonSchema> => Object.fromEntries(types.map((type) => [type.name, schemaOf(type)]));

/** What is generated of the contracts: file name to document. */
export function documents(): Readonly<Record<string, object>> {
  return { 'schemas.json': jsonSchema(), 'asyncapi.json': asyncApi(), 'openapi.json': openApi() };
}

/** Every request on the bus and every reply under /berth/. */
function jsonSchema(): object {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'berth', $defs: { ...byName(REQUESTS), ...byName(BERTH_ROUTES.map(({ reply }) => reply)) } };
}

/** The bus, in AsyncAPI 3.0: a request goes to its service's subject, an event to its aggregate's. */
function asyncApi(): object {
  const channels = REQUESTS.map(({ name, subject }) => [name, { address: subject, messages: { [name]: { $ref: `#/components/messages/${name}` } } }]);
  const events = AGGREGATES.map((aggregate) => [
    `${aggregate}-events`,
    { address: `berth.event.${aggregate}.{id}`, parameters: { id: { description: `of the ${aggregate}` } }, messages: { Commit: { $ref: '#/components/messages/Commit' } } },
  ]);
  const operations = [
    ...REQUESTS.map(({ name }) => [name, { action: 'receive', channel: { $ref: `#/channels/${name}` }, reply: {} }]),
    ...AGGREGATES.map((aggregate) => [`${aggregate}-events`, { action: 'send', channel: { $ref: `#/channels/${aggregate}-events` } }]),
  ];
  const commit = { type: 'array', items: { type: 'object', properties: { type: { type: 'string' }, v: { type: 'integer' } }, required: ['type'] } };
  const messages = [...REQUESTS.map((type) => [type.name, { payload: schemaOf(type) }]), ['Commit', { summary: 'All events of one decision', payload: commit }]];
  return {
    asyncapi: '3.0.0',
    info: { title: "Berth's bus", version: '1' },
    channels: Object.fromEntries([...channels, ...events] as [string, object][]),
    operations: Object.fromEntries(operations as [string, object][]),
    components: { messages: Object.fromEntries(messages as [string, object][]) },
  };
}

/** Parameters that are no numbers. */
const TEXTS = ['at', 'name'];

/** What a dry run answers, whatever it was of. */
const DRY_RUN = {
  type: 'object',
  properties: { events: { type: 'array', items: { type: 'object', properties: { subject: { type: 'string' }, type: { type: 'string' }, data: { type: 'object' } }, required: ['subject', 'type', 'data'] } } },
  required: ['events'],
} as const satisfies JsonSchema;

/** Berth's additions to the Docker Engine API, in OpenAPI 3.1. */
function openApi(): object {
  const failure = { description: 'What is wrong', content: { 'application/json': { schema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] } } } };
  const paths = BERTH_ROUTES.map(({ method = 'get', path, body, summary, query, reply, shape }) => {
    const one = { $ref: `#/components/schemas/${reply.name}` };
    const done = shape === 'list' ? { type: 'array', items: one } : one;
    const schema = query.includes('dryRun') ? { oneOf: [done, { $ref: '#/components/schemas/DryRun' }] } : done;
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
    const asked = query.map((name) => ({ name, in: 'query', schema: { type: TEXTS.includes(name) ? 'string' : 'integer' } }));
    const content = { [shape === 'lines' ? 'application/x-ndjson' : 'application/json']: { schema } };
    return [path, method, { summary, parameters: [...named, ...asked], ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }), responses: { 200: { description: summary, content }, default: failure } }] as const;
  });
  const byPath: Record<string, Record<string, object>> = {};
  for (const [path, method, operation] of paths) (byPath[path] ??= {})[method] = operation;
  return { openapi: '3.1.0', info: { title: "Berth's additions to the Docker Engine API", version: '1' }, paths: byPath, components: { schemas: { ...byName(BERTH_ROUTES.map(({ reply }) => reply)), DryRun: DRY_RUN } } };
}

import { align, attribute, container, cstring, decodeAttributes, encodeAttributes, nested, raw, u32be } from './attributes.js';
import type { Message } from './messages.js';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, type Reply } from './messages.js';

/** linux/netfilter/nfnetlink.h and nf_tables.h: the elements of maps, since those change with each container. Tables and rules are a cold path. */
const BATCH_BEGIN = 0x10;
const BATCH_END = 0x11;
const SUBSYSTEM_NFTABLES = 10;
const NEWSETELEM = (SUBSYSTEM_NFTABLES << 8) | 12;
const DELSETELEM = (SUBSYSTEM_NFTABLES << 8) | 14;
const GETSETELEM = (SUBSYSTEM_NFTABLES << 8) | 13;
const GETCHAIN = (SUBSYSTEM_NFTABLES << 8) | 4;
const AF_INET = 2;
/** Without the bit that marks what is nested, which the kernel does not set everywhere. */
const NLA_TYPE_MASK = 0x3fff;

const data = { value: attribute(1, raw) };
const element = { key: container(1, nested(data)), data: container(2, nested(data)) };
const elements = { element: container(1, nested(element)) };
const elementChange = { table: attribute(1, cstring), map: attribute(2, cstring), elements: container(3, raw) };
const elementList = { table: attribute(1, cstring), map: attribute(2, cstring), elements: container(3, nested(elements)) };

const chain = { table: attribute(1, cstring), name: attribute(3, cstring), use: attribute(6, u32be) };

/** Key and value of a map whose types are concatenations: the parts in network byte order, "tcp . 8080". */
export interface MapElement {
  readonly table: string;
  readonly map: string;
  readonly key: readonly Uint8Array[];
  readonly value: readonly Uint8Array[];
}

/** A list is one attribute, whose length has 16 bits: so many elements of a hundred bytes fit, and ours have less. */
const LONGEST_LIST = 500;

/**
 * One transaction, all or nothing, of few messages: each is answered, and the answers to thousands would not fit into what a socket receives unread. Add: EEXIST where the key leads elsewhere
 * already, the same twice is once. Delete: ENOENT where there is none.
 */
export function elementBatch(verb: 'add' | 'delete', list: readonly MapElement[]): readonly Message[] {
  const changes = listsOf(list).map(({ table, map, list: some }) => ({
    type: verb === 'add' ? NEWSETELEM : DELSETELEM,
    flags: verb === 'add' ? NLM_F_ACK | NLM_F_CREATE : NLM_F_ACK,
    payload: Buffer.concat([nfgenmsg(AF_INET, 0), encodeAttributes(elementChange, { table, map, elements: Buffer.concat(some.map((one) => encodedElement(verb, one))) })]),
    what: `${verb} ${some.length === 1 ? 'element' : 'elements'} of ${map} in ${table}`,
  }));
  const bracket = (type: number): Message => ({ type, flags: 0, payload: nfgenmsg(0, SUBSYSTEM_NFTABLES), what: 'nftables batch' });
  return [bracket(BATCH_BEGIN), ...changes, bracket(BATCH_END)];
}

/** Those of one map together, as many as a list holds. */
function listsOf(all: readonly MapElement[]): { readonly table: string; readonly map: string; readonly list: readonly MapElement[] }[] {
  return [...Map.groupBy(all, ({ table, map }) => `${table} ${map}`).values()].flatMap((same) =>
    same.flatMap(({ table, map }, at) => (at % LONGEST_LIST === 0 ? [{ table, map, list: same.slice(at, at + LONGEST_LIST) }] : [])),
  );
}

function encodedElement(verb: 'add' | 'delete', { key, value }: MapElement): Buffer {
  const one = verb === 'add' ? { key: { value: concatenation(key) }, data: { value: concatenation(value) } } : { key: { value: concatenation(key) } };
  return encodeAttributes(elements, { element: one });
}

/** Asks for all elements of a map; ENOENT where it or its table is not there. */
export function elementsQuery(table: string, map: string): Message {
  return { type: GETSETELEM, flags: NLM_F_ACK | NLM_F_DUMP, payload: Buffer.concat([nfgenmsg(AF_INET, 0), encodeAttributes(elementList, { table, map })]), what: `look at map ${map} in ${table}` };
}

/** The elements that replies to it tell of: key and value as the kernel has them, parts filled up to whole registers. */
export function elementsIn(replies: readonly Reply[]): { readonly key: Buffer; readonly value: Buffer }[] {
  return replies
    .filter(({ type }) => type === NEWSETELEM)
    .flatMap(({ payload }) => attributesIn(payload.subarray(nfgenmsg(0, 0).length), elementList.elements.number))
    .flatMap((list) => attributesIn(list, elements.element.number))
    .map((one) => ({ key: valueIn(one, element.key.number), value: valueIn(one, element.data.number) }));
}

const valueIn = (one: Buffer, number: number): Buffer => attributesIn(attributesIn(one, number)[0] ?? Buffer.alloc(0), data.value.number)[0] ?? Buffer.alloc(0);

/** The payloads of all attributes of one number: a list repeats it. */
function attributesIn(bytes: Buffer, number: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return found;
    if ((bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK) === (number & NLA_TYPE_MASK)) found.push(bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return found;
}

/** Asks for one chain; ENOENT where it or its table is not there. */
export function chainQuery(table: string, name: string): Message {
  return { type: GETCHAIN, flags: NLM_F_ACK, payload: Buffer.concat([nfgenmsg(AF_INET, 0), encodeAttributes(chain, { table, name })]), what: `look at chain ${name} in ${table}` };
}

/** How many rules are in the chain that a reply tells of. */
export function rulesInChain(reply: Buffer): number {
  return decodeAttributes(chain, reply.subarray(nfgenmsg(0, 0).length)).use ?? 0;
}

/** Each part of a concatenation fills whole 32-bit registers. */
export function concatenation(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.concat([part, Buffer.alloc(-part.length & 3)])));
}

function nfgenmsg(family: number, resource: number): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}

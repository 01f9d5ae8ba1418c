import { internal } from '#libs/errors/errors.js';

/**
 * Netlink attributes (netlink(7)): length and type, 16 bits each, a payload, padding to 4 bytes. A table names each attribute, its number and its codec;
 * one encoder and one decoder walk any table. Numbers are in the machine's order, which is little-endian on all that Node runs on with Linux but s390x.
 */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Buffer): T;
}

export interface Attribute<T> {
  readonly number: number;
  readonly codec: Codec<T>;
}

/** Any table; in a concrete one each entry keeps its own type. */
export type Table = Readonly<Record<string, Attribute<unknown>>>;
export type Values<T> = { readonly [K in keyof T]?: T[K] extends Attribute<infer V> ? V : never };

/** The kernel marks an attribute that holds attributes with this bit. */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

export const align = (length: number): number => (length + 3) & ~3;

function integer(size: 1 | 2 | 4, bigEndian = false): Codec<number> {
  return {
    encode(value) {
      const bytes = Buffer.alloc(size);
      if (bigEndian) bytes.writeUIntBE(value, 0, size);
      else bytes.writeUIntLE(value, 0, size);
      return bytes;
    },
    decode: (bytes) => (bytes.length < size ? short('a number', bytes) : bigEndian ? bytes.readUIntBE(0, size) : bytes.readUIntLE(0, size)),
  };
}

export const u8 = integer(1);
export const u16 = integer(2);
export const u32 = integer(4);
export const u16be = integer(2, true);
export const u32be = integer(4, true);

/** Text ended by a NUL. */
export const cstring: Codec<string> = {
  encode: (value) => Buffer.from(`${value}\0`),
  decode: (bytes) => bytes.toString('latin1').replace(/\0.*$/s, ''),
};

export const raw: Codec<Uint8Array> = { encode: (value) => value, decode: (bytes) => bytes };

/** "02:42:ac:11:00:02" */
export const mac: Codec<string> = {
  encode: (value) => Buffer.from(value.split(':').map((part) => Number.parseInt(part, 16))),
  decode: (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
};

/** "172.17.0.2" */
export const ipv4: Codec<string> = {
  encode: (value) => Buffer.from(value.split('.').map(Number)),
  decode: (bytes) => [...bytes].join('.'),
};

function encodeAttribute(number: number, payload: Uint8Array): Buffer {
  const length = 4 + payload.length;
  const bytes = Buffer.alloc(align(length));
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(number, 2);
  bytes.set(payload, 4);
  return bytes;
}

/** In the order of `values`, which the kernel does not mind. */
export function encodeAttributes<T extends Record<string, Attribute<unknown>>>(table: T, values: Values<T>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    // The mapped type Values<T> pairs each name with its own codec; Object.entries forgets that.
    const attribute = table[name] as Attribute<unknown>;
    parts.push(encodeAttribute(attribute.number, attribute.codec.encode(value)));
  }
  return Buffer.concat(parts);
}

/** Attributes that the table does not name are passed over: kernels add new ones. Throws on a length that lies. */
export function decodeAttributes<T extends Record<string, Attribute<unknown>>>(table: T, bytes: Buffer): Values<T> {
  const names = new Map(Object.entries(table).map(([name, attribute]) => [attribute.number & NLA_TYPE_MASK, name]));
  const values: Record<string, unknown> = {};
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) return short('an attribute', bytes);
    const name = names.get(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK);
    if (name !== undefined) values[name] = (table[name] as Attribute<unknown>).codec.decode(bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return values as Values<T>;
}

/** Attributes inside an attribute. `prefix`: a fixed structure before them, as veth's peer has. */
export function nested<T extends Record<string, Attribute<unknown>>>(table: T): Codec<Values<T>> {
  return { encode: (values) => encodeAttributes(table, values), decode: (bytes) => decodeAttributes(table, bytes) };
}

/** An entry of a table. nf_tables insists on the nested bit; rtnetlink takes both. */
export const attribute = <T>(number: number, codec: Codec<T>): Attribute<T> => ({ number, codec });
export const container = <T>(number: number, codec: Codec<T>): Attribute<T> => ({ number: number | NLA_F_NESTED, codec });

function short(what: string, bytes: Buffer): never {
  throw internal(`netlink: ${what} does not fit into ${bytes.length} bytes`);
}

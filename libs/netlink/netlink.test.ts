import { expect, test } from 'vitest';
import { deleteFlow, udpFlowsIn, udpFlowsQuery } from './conntrack.js';
import { decodeOutcome, encodeMessages } from './messages.js';
import { elementBatch } from './nftables.js';
import { addAddress, addBridge, addDefaultRoute, addVeth, getLink, linksOf, setLink } from './route.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a bridge is asked for in these bytes', () =>
  expect(hex(encodeMessages([addBridge({ name: 'b0', up: true })]))).toBe(
    '38000000' + '1000' + '0506' + '01000000' + '00000000' + // header: RTM_NEWLINK, REQUEST ACK EXCL CREATE
      '0000000000000000' + '01000000' + '01000000' + // ifinfomsg: IFF_UP, and that it changes
      '07000300' + '62300000' + // IFLA_IFNAME "b0"
      '10001200' + '0b000100' + '62726964676500' + '00', // IFLA_LINKINFO { KIND "bridge" }
  ));

test('the peer of a veth is a link with its own header and namespace', () =>
  expect(hex(addVeth({ name: 'v' }, { name: 'e', address: '02:42:ac:11:00:02', namespace: 7 }).payload)).toBe(
    '00'.repeat(16) + '06000300' + '76000000' +
      '44001200' + '09000100' + '7665746800000000' + // LINKINFO { KIND "veth"
      '34000200' + '30000100' + '00'.repeat(16) + // DATA { VETH_INFO_PEER { ifinfomsg
      '06000300' + '65000000' + '0a000100' + '0242ac1100020000' + '08001c00' + '07000000', // IFNAME, ADDRESS, NET_NS_FD
  ));

test('an address has its prefix, link and broadcast', () =>
  expect(hex(addAddress(2, '172.17.0.2', 16).payload)).toBe('0210000002000000' + '08000200ac110002' + '08000100ac110002' + '08000400ac11ffff'));

test('a default route goes by a gateway', () => expect(hex(addDefaultRoute(2, '172.17.0.1').payload)).toBe('02000000fe03000100000000' + '08000500ac110001' + '0800040002000000'));

test('a refusal names the message and holds the words of the kernel', () => {
  const words = Buffer.from('No such thing\0');
  const reply = Buffer.alloc(16 + 4 + 16 + 4 + 16);
  reply.writeUInt32LE(16 + 4 + 16 + 4 + words.length, 0);
  reply.writeUInt16LE(2, 4);
  reply.writeUInt16LE(0x300, 6);
  reply.writeUInt32LE(2, 8);
  reply.writeInt32LE(-19, 16);
  reply.writeUInt16LE(4 + words.length, 36);
  reply.writeUInt16LE(1, 38);
  words.copy(reply, 40);
  const refusal = decodeOutcome([setLink('a', {}), getLink('b')], reply).refused.get(1);
  expect(refusal?.message).toBe('link get b: ENODEV (No such thing)');
});

test('bytes that are no netlink are refused or read, and never hang', () => {
  let seed = 20_26;
  const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 16;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(Array.from({ length: random() % 80 }, () => (random() % 3 ? random() % 24 : random() & 0xff)));
    if (bytes.length >= 16) bytes.writeUInt32LE(bytes.length, 0);
    try {
      linksOf(decodeOutcome([], bytes).replies);
    } catch (error) {
      expect(error, `round ${round}: ${hex(bytes)}`).toMatchObject({ kind: 'internal' });
    }
  }
});

test('an element of a map is one batch: begin, element, end', () => {
  const batch = elementBatch('add', [{ table: 't', map: 'm', key: [Uint8Array.of(6), Uint8Array.of(0x1f, 0x90)], value: [Uint8Array.of(172, 17, 0, 2), Uint8Array.of(0, 80)] }]);
  expect(batch.map(({ type }) => type)).toEqual([0x10, 0x0a0c, 0x11]);
  expect(hex(batch[0]?.payload ?? new Uint8Array())).toBe('0000000a');
  expect(hex(batch[1]?.payload ?? new Uint8Array())).toBe(
    '02000000' + '0600010074000000' + '060002006d000000' + '28000380' + '24000180' + // nfgenmsg AF_INET, TABLE, SET, ELEMENTS { ELEM {
      '10000180' + '0c000100' + '06000000' + '1f900000' + // KEY { VALUE tcp . 8080, each filled up to 4 bytes
      '10000280' + '0c000100' + 'ac110002' + '00500000', // DATA { VALUE
  );
});

test('UDP flows are asked for by port and by who answers, and one is deleted by its tuple and id as the kernel told them', () => {
  const original = '34000180' + '14000180' + '08000100c0000202' + '08000200c0000201' + '1c000280' + '0500010011000000' + '060002009c400000' + '0600030062e90000';
  const reply = '34000280' + '14000180' + '08000100ac110002' + '08000200c0000202' + '1c000280' + '0500010011000000' + '0600020014e90000' + '060003009c400000';
  const id = '08000c00' + '01020304';
  const payload = Buffer.from('02000000' + original + reply + '0800030000000188' + id, 'hex');
  const [flow] = udpFlowsIn([{ type: 0x0100, sequence: 1, payload }]);
  expect(flow).toMatchObject({
    original: { source: '192.0.2.2', sourcePort: 40000, destination: '192.0.2.1', destinationPort: 25321 },
    reply: { source: '172.17.0.2', sourcePort: 5353, destination: '192.0.2.2', destinationPort: 40000 },
  });
  expect(hex(deleteFlow(flow!).payload)).toBe('02000000' + original + id);
  expect(hex(udpFlowsQuery({ port: 25321 }).payload)).toBe('02000000' + '18000180' + '14000280' + '0500010011000000' + '0600030062e90000' + '0c001980' + '0800010028000000');
  expect(hex(udpFlowsQuery({ answeredFrom: '172.17.0.2' }).payload)).toBe(
    '02000000' + '10000180' + '0c000280' + '0500010011000000' + '10000280' + '0c000180' + '08000100ac110002' + '14001980' + '0800010008000000' + '0800020001000000',
  );
});

import { expect, test } from 'vitest';
import { listenerAt, ownerOf } from './tcp-table.js';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';
const line = (local: string, remote: string, state: string, uid: number): string =>
  `   7: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000 ${String(uid).padStart(5)}        0 48114 1 00000000e18c7c20 100 0 0 10 0                       \n`;
const table = (...lines: string[]): string => HEAD + lines.join('');

// 127.0.0.1:4270 and 127.0.0.1:45000.
const SERVER = '0100007F:10AE';
const CLIENT = '0100007F:AFC8';
const NOBODY = '00000000:0000';
const MAPPED = '0000000000000000FFFF0000';
const server = { address: '127.0.0.1', port: 4270 };
const client = { address: '127.0.0.1', port: 45_000 };

test('the owner is that of the other end of this very connection: not who listens, not ours, not that of another', () => {
  const others = [line(SERVER, NOBODY, '0A', 1), line(CLIENT, SERVER, '01', 2), line(SERVER, '0100007F:AFC9', '01', 3), line('0200007F:10AE', CLIENT, '01', 4)];
  expect(ownerOf(table(...others), server, client)).toBeUndefined();
  expect(ownerOf(table(...others, line(SERVER, CLIENT, '01', 65_534)), server, client)).toBe(65_534);
});

test('one that is closed has no owner, as the kernel shows root there', () => {
  for (const state of ['04', '05', '06', '08', '09', '0B']) expect(ownerOf(table(line(SERVER, CLIENT, state, 0)), server, client)).toBeUndefined();
});

test('a socket of IPv6 that takes IPv4 is found, too', () => {
  expect(ownerOf(table(line(MAPPED + SERVER, MAPPED + CLIENT, '01', 65_534)), server, client)).toBe(65_534);
  expect(listenerAt(table(line(`${'0'.repeat(32)}:10AE`, `${'0'.repeat(32)}:0000`, '0A', 65_534)), server)).toBe(65_534);
});

test('who listens at an address listens there or everywhere', () => {
  expect(listenerAt(table(line(SERVER, NOBODY, '0A', 7)), server)).toBe(7);
  expect(listenerAt(table(line('00000000:10AE', NOBODY, '0A', 8)), server)).toBe(8);
  for (const elsewhere of [line('0200007F:10AE', NOBODY, '0A', 9), line('0100007F:10AF', NOBODY, '0A', 9), line(SERVER, CLIENT, '01', 9)]) expect(listenerAt(table(elsewhere), server)).toBeUndefined();
});

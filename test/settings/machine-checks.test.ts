import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface MachineChecks {
  readonly checkPortIsFree: (host: string, port: number, variable: string, user: string) => Promise<void>;
  readonly checkRoom: (path: string) => void;
}

/** Tests run compiled: from dist/test/settings up to the sources. */
const CHECKS = new URL('../../../services/engine/setup/machine-checks.mjs', import.meta.url).href;
const { checkPortIsFree, checkRoom } = (await import(CHECKS)) as MachineChecks;

test('a disk that is full is named before anything is started on it, one with room is taken', () => {
  const disk = mkdtempSync(join(tmpdir(), 'berth-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', disk]);
  try {
    checkRoom(join(disk, 'not/made/yet'));
    writeFileSync(join(disk, 'fill'), Buffer.alloc(1.5 * 1024 * 1024));
    expect(() => checkRoom(join(disk, 'not/made/yet'))).toThrow(`the disk of ${disk} is full`);
  } finally {
    execFileSync('umount', [disk]);
    rmdirSync(disk);
  }
});

test('a port that another holds is told with the setting that chooses it', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(checkPortIsFree('127.0.0.1', port, 'BERTH_TCP', 'berth')).rejects.toThrow(`port ${port} of 127.0.0.1 is taken by something else: free it, or choose another with BERTH_TCP`);
  server.close();
  await once(server, 'close');
  await checkPortIsFree('127.0.0.1', port, 'BERTH_TCP', 'berth');
});

test.runIf(Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) > 1)("a port that is root's alone is told before anything starts", async () => {
  await expect(checkPortIsFree('127.0.0.1', 1, 'BERTH_TCP', 'berth')).rejects.toThrow(/^BERTH_TCP names port 1, and ports below \d+ are root's alone/);
  await checkPortIsFree('127.0.0.1', 1, 'BERTH_TCP', 'root');
});

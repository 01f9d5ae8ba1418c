import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startDockerd } from '../bench/private-dockerd.js';
import { startEngine } from '../engine/engine.js';
import { probeImage, type ProbeReport } from './probe-report.js';

const DOCKERD = '/usr/sbin/dockerd';

/** What a container may write to below /proc and /sys; numbers of processes and descriptors are one. */
const writable = (report: ProbeReport): readonly string[] => [...new Set((report.writable ?? []).map((path) => path.replaceAll(/\/\d+(?=\/|$)/g, '/N')))].toSorted();

test.skipIf(!existsSync(DOCKERD))('a default container can write to nothing below /proc and /sys that one of dockerd cannot', async () => {
  const image = await probeImage();
  const engine = await startEngine();
  try {
    await engine.docker(['load', '--quiet'], image);
    const ours = JSON.parse((await engine.docker(['run', '--rm', '--network', 'none', 'probe', '/probe', 'walk'])).stdout) as ProbeReport;
    const dockerd = await startDockerd(DOCKERD);
    try {
      const docker = (args: readonly string[], input?: Buffer): string =>
        execFileSync(process.env['BERTH_DOCKER_CLI'] ?? 'docker', ['--host', `unix://${dockerd.socket}`, ...args], { encoding: 'utf8', maxBuffer: 64 << 20, ...(input ? { input } : {}) });
      docker(['load', '--quiet'], image);
      const theirs = JSON.parse(docker(['run', '--rm', '--network', 'none', 'probe', '/probe', 'walk'])) as ProbeReport;
      const allowed = new Set(writable(theirs));
      expect(writable(ours).filter((path) => !allowed.has(path))).toEqual([]);
      expect(writable(ours).length).toBeGreaterThan(5); // the walk saw something
      expect(BigInt(`0x${ours.capabilities.bounding}`) & ~BigInt(`0x${theirs.capabilities.bounding}`)).toBe(0n);
    } finally {
      await dockerd.stop();
    }
  } finally {
    await engine.stop();
  }
}, 120_000);

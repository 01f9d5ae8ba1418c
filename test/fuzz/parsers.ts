import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { BerthError } from '#libs/errors/errors.js';
import { signalNumber } from '#libs/linux/signals.js';
import { readString, takeFrame, ticketFrame } from '#libs/messaging/stream-frame.js';
import { chainIds } from '#libs/oci/chain-id.js';
import { applyChanges } from '#libs/oci/config-changes.js';
import { decompressed } from '#libs/oci/decompress.js';
import { parseImageConfig } from '#libs/oci/image-config.js';
import { parseManifest, writeManifest } from '#libs/oci/manifest.js';
import { canonical, familiar, parseReference } from '#libs/oci/reference.js';
import { readTar } from '#libs/oci/tar-reader.js';
import { tagOf } from '../../services/containers/domain/log/log-tag.js';
import { parseBind } from '../../services/containers/domain/mounts/mount-requests.js';
import { parsePort } from '../../services/containers/domain/network/port-requests.js';
import { isWanted, logBytes, parseRecord } from '../../services/executor/adapters/logs/log-record.js';
import { decodeEvent, frame } from '../../services/executor/adapters/shim/shim-frames.js';
import { treePath } from '../../services/executor/adapters/snapshots/tree-path.js';
import { readCdiSpec } from '../../services/executor/domain/cdi/cdi-spec.js';
import { editsFor } from '../../services/executor/domain/cdi/select-devices.js';
import { runFilter } from '../../services/executor/domain/seccomp/testing/bpf-interpreter.js';
import { compileSeccomp } from '../../services/executor/domain/seccomp/compile-seccomp.js';
import { parseProfile } from '../../services/executor/domain/seccomp/profile.js';
import { readFilters } from '../../services/gateway/domain/requests/filters.js';
import { tarOf } from '../fixtures/image-archive.js';
import { SEED } from './fuzzing.js';
import { Dice, mutatedBytes, mutatedJson } from './mutations.js';

interface Target {
  readonly name: string;
  readonly seeds: () => Promise<readonly Buffer[]>;
  /** Mutate as JSON half of the time. */
  readonly json?: boolean;
  /** What is thrown but a BerthError is a fault. */
  readonly run: (bytes: Buffer, dice: Dice) => unknown;
}

const texts = (...all: readonly string[]) => async (): Promise<readonly Buffer[]> => all.map((text) => Buffer.from(text));
const digest = `sha256:${'0'.repeat(64)}`;

async function readWhole(source: AsyncIterable<Uint8Array>, dice: Dice): Promise<void> {
  for await (const entry of readTar(source)) {
    treePath(entry.path);
    if (entry.uid < 0 || entry.gid > 2 ** 32 - 2 || entry.sizeBytes < 0 || entry.path.includes(0)) throw new Error(`let through: ${JSON.stringify({ ...entry, body: '' })}`);
    let left = dice.below(3) === 0 ? 0 : Infinity; // a body that is not read is passed over
    for await (const chunk of entry.body) if ((left -= chunk.length) <= 0) break;
  }
}

async function* piecesOf(bytes: Buffer, dice: Dice): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + dice.below(2000);
    yield bytes.subarray(at, end);
    at = end;
  }
}

const archive = (): Promise<Buffer> =>
  tarOf([
    { path: 'a/', type: 'directory', mtime: { seconds: 1, nanoseconds: 5 } },
    { path: `a/${'long'.repeat(60)}`, body: Buffer.from('text') },
    { path: 'a/link', type: 'symlink', linkTarget: 'x'.repeat(150) },
    { path: 'a/hard', type: 'hardlink', linkTarget: 'a/link' },
    { path: 'node', type: 'character', major: 1, minor: 3, uid: 4_000_000_000 },
    { path: 'x', body: Buffer.alloc(700, 1), xattrs: new Map([['user.x', Buffer.from([1, 2, 0])]]) },
  ]);

/** What is no JSON is none of the reader's faults. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return {};
  }
}

const targets: readonly Target[] = [
  { name: 'tar archives', seeds: async () => [await archive()], run: (bytes, dice) => readWhole(piecesOf(bytes, dice), dice) },
  { name: 'compressed archives', seeds: async () => [gzipSync(await archive()), await archive()], run: async (bytes, dice) => {
    try {
      await readWhole(await decompressed(Readable.from(piecesOf(bytes, dice), { objectMode: false })), dice);
    } catch (error) {
      if (!/^(Z_|ERR_ZSTD|ZSTD)/.test(String((error as NodeJS.ErrnoException).code))) throw error; // the format's own words, which the caller wraps
    }
  } },
  { name: 'references', seeds: texts('debian', 'docker.io/library/debian:12', 'localhost:5000/a/b-c__d.e:tag@' + digest, '[::1]:80/x', 'a.b/C/d', 'x'.repeat(300)), run: (bytes) => {
    const reference = parseReference(bytes.toString());
    const again = parseReference(canonical(reference));
    expect([canonical(again), familiar(again)]).toEqual([canonical(reference), familiar(reference)]);
    expect(canonical(reference)).not.toMatch(/(^|\/)\.\.?(\/|$)|\/\/|\0|\s/);
  } },
  { name: 'changes of images', seeds: texts('ENV A=${B:-"x y"} C=${A##*/} \\\n  D=${A//a?/b}\nLABEL "a b"=\'c\'', 'EXPOSE 80 81-83/udp $P', 'HEALTHCHECK --interval=1m --retries=3 CMD ["a", "b"]', 'VOLUME ["/a", "/$A"]\nUSER ${A:?no}\nWORKDIR $A\nSTOPSIGNAL TERM\nONBUILD RUN x'), run: (bytes) => {
    JSON.stringify(applyChanges([bytes.toString()], { Env: ['A=/usr/ab/ac', 'B=', 'P=1 2'] }));
  } },
  { name: 'log tags', seeds: texts('{{.Name}}/{{- .ID | upper -}} {{/* c */}}', '{{if eq .Name "web"}}{{json .}}{{else if .ID}}{{printf "%-5s %05d %q" .Name 7 `x`}}{{end}}', '{{join (split .ImageName "b") "_"}} {{index .ContainerLabels "a.b"}} {{pad .Name 2 3}}'), run: (bytes) => {
    const of = { id: digest.slice(7), name: 'web', createdAt: '', imageId: digest, imageRef: 'busybox', path: 'sh', args: ['-c'], config: { Labels: { 'a.b': 'c' }, Env: ['A=b'] }, hostConfig: {} };
    expect(tagOf(bytes.toString(), of).length).toBeLessThanOrEqual(64 * 1024);
  } },
  { name: 'device files', json: true, seeds: texts(JSON.stringify({ cdiVersion: '0.6.0', kind: 'vendor.com/class', containerEdits: { env: ['A=b'], mounts: [{ hostPath: '/a', containerPath: '/b', options: ['ro'] }] }, devices: [{ name: 'one', containerEdits: { deviceNodes: [{ path: '/dev/one', permissions: 'rw', uid: 1 }], hooks: [{ hookName: 'prestart', path: '/x', args: ['x'], timeout: 3 }], additionalGids: [5] } }] })), run: (bytes) => {
    const spec = readCdiSpec(jsonOf(bytes));
    for (const { hostPath, path } of editsFor(spec.devices.map(({ name }) => `${spec.kind}=${name}`), [spec]).deviceNodes) if (!hostPath.startsWith('/') || !path.startsWith('/')) throw new Error(`let through: ${hostPath} ${path}`);
  } },
  { name: 'manifests', json: true, seeds: async () => [writeManifest({ mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 3 }, [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 9 }]), Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 1, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }] }))], run: (bytes) => JSON.stringify(parseManifest(bytes)) },
  { name: 'image configurations', json: true, seeds: texts(JSON.stringify({ os: 'linux', architecture: 'amd64', config: { User: 'a:b', Env: ['A=b'], Entrypoint: ['x'], Cmd: ['y'], Volumes: { '/v': {} }, Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, StopSignal: 'SIGTERM', Shell: ['sh'] }, rootfs: { type: 'layers', diff_ids: [digest] }, history: [{ created_by: 'x' }] })), run: (bytes) => {
    const config = parseImageConfig(bytes);
    chainIds(config.diffIds);
    JSON.stringify(config);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  } },
  { name: 'seccomp profiles', json: true, seeds: texts(JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1, archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }], syscalls: [{ names: ['read', 'write', 'clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 5, valueTwo: 7, op: 'SCMP_CMP_MASKED_EQ' }], includes: { caps: ['CAP_SYS_ADMIN'], minKernel: '4.8' }, excludes: { arches: ['s390'] } }, { name: 'open', action: 'SCMP_ACT_TRAP' }] })), run: (bytes) => {
    const program = compileSeccomp(parseProfile(bytes.toString()), ['CAP_SYS_ADMIN'], undefined);
    expect(program.length % 8).toBe(0);
    expect(program.length / 8).toBeLessThanOrEqual(4096); // BPF_MAXINSNS
    runFilter(program, { arch: 0xc000003e, number: 56, args: [5n, 1n << 63n] });
  } },
  { name: 'log records', json: true, seeds: texts('{"log":"line\\n","stream":"stdout","time":"2025-01-01T00:00:00.000000000Z"}'), run: (bytes) => {
    const filter = { stdout: true, stderr: true, since: '2024', until: '2026', timestamps: true, terminal: false };
    const record = parseRecord(bytes);
    if (record && isWanted(record, filter)) logBytes(record, filter);
  } },
  { name: 'stream frames', seeds: async () => [ticketFrame('a'.repeat(32)), Buffer.from([1, 0, 0, 0, 110])], run: (bytes) => {
    try {
      const first = takeFrame(bytes);
      if (first) readString(first.payload);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // as they say; the connection is closed
    }
  } },
  { name: 'events of a shim', seeds: async () => [frame(101, 'exec', 7, Buffer.alloc(8)), frame(102, '', 3, 13), frame(103, '', 1, 2, 3, Buffer.alloc(8, 1))].map((bytes) => bytes.subarray(4)), run: (bytes) => {
    try {
      decodeEvent(bytes[0] ?? 0, bytes.subarray(1));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  } },
  { name: 'filters', json: true, seeds: texts('{"label":{"a=b":true},"name":["x"]}', '{"status":["running"]}'), run: (bytes) => readFilters(bytes.toString(), ['label', 'name', 'status']) },
  { name: 'binds, ports and signals', seeds: texts('/a:/b:ro', 'vol:/b:rw,z', '/data', '80/tcp', '53/udp', 'SIGTERM', '9', 'RTMIN+3'), run: (bytes) => {
    for (const parse of [parseBind, parsePort, signalNumber])
      try {
        const parsed = parse(bytes.toString());
        if (typeof parsed === 'number') expect(parsed >= 0 && parsed <= 64).toBe(true);
        else if ('target' in parsed) expect(parsed.target).toMatch(/^\/[^]+$/);
      } catch (error) {
        if (!(error instanceof BerthError)) throw error;
      }
  } },
];

/** Each target for half of `seconds`. */
export function fuzzParsers(seconds: number): void {
  beforeAll(() => console.log(`seed ${SEED}`));

  test.each(targets)('no bytes make the reader of $name do but read or refuse', async ({ seeds, json = false, run }) => {
    const dice = new Dice(SEED);
    const all = await seeds();
    const until = Date.now() + seconds * 500;
    let runs = 0;
    for (; Date.now() < until || runs < all.length; runs++) {
      const seed = dice.pick(all);
      const bytes = runs < all.length ? all[runs]! : json && dice.below(2) === 0 ? Buffer.from(JSON.stringify(mutatedJson(dice, JSON.parse(seed.toString())))) : mutatedBytes(dice, seed, dice.pick(all));
      const began = process.hrtime.bigint();
      try {
        await run(bytes, dice);
      } catch (error) {
        if (!(error instanceof BerthError) || error.kind === 'internal') throw new Error(`seed ${SEED}, run ${runs}: ${bytes.toString('latin1').slice(0, 2000)}`, { cause: error });
      }
      const took = Number(process.hrtime.bigint() - began) / 1e6;
      if (took > 5000) throw new Error(`seed ${SEED}, run ${runs} took ${took} ms: ${bytes.toString('latin1').slice(0, 2000)}`);
    }
    expect(runs).toBeGreaterThanOrEqual(all.length);
  }, 30_000 + seconds * 2000);
}

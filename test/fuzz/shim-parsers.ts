import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePlan, planOf } from '../../services/executor/domain/plan/encode-plan.js';
import { defaults, exec, frame, text, tree, u32 } from '../../services/executor/shim/testing/shim-driver.js';
import { compileSanitized, filesOf, REPOSITORY } from '../fixtures/compile.js';
import { weakenedSources } from '../fixtures/weakened-shim.js';
import { SEED } from './fuzzing.js';

const SHIM = join(REPOSITORY, 'services/executor/shim');
const TARGETS = join(REPOSITORY, 'test/fuzz/shim');
/** Inputs that once broke a parser: <target>/<name>/input. They are tried each time, and no time is too short for that. */
const CASES = join(REPOSITORY, 'test/fuzz/cases');

interface Target {
  readonly sources: readonly string[];
  readonly seeds: readonly Buffer[];
}

const plan = planOf({ ...defaults, taskDirectory: '/run/t', tickets: [`${'a'.repeat(32)}:ioe`], cgroupPaths: ['/sys/a', '/sys/b'] }, [...tree({ base: '/b', directory: '/b/d', name: 'd' }), exec('sh', '-c', 'true')]);
const hello = frame(1);
const ticket = 'a'.repeat(32);
const targets: Readonly<Record<string, Target>> = {
  plan: { sources: ['decode.c'], seeds: [Buffer.from(encodePlan(plan)), Buffer.from(encodePlan(planOf(defaults, [])))] },
  passwd: {
    sources: ['passwd.c', 'decode.c'],
    seeds: [
      'root:x:0:0:root:/root:/bin/sh\nsam:x:1234:55:Sam:/home/sam:/bin/sh\n\0root:x:0:\nstaff:x:55:\nwheel:x:77:sam,root\n\0sam:staff\0wheel\x00077\0',
      '1234:x:0:0::/:/bin/sh\n::::::\n:x:4294967295:-1:\n\0\0' + '1234\0',
      '\0\x004294967294:4294967295\0',
    ].map((seed) => Buffer.from(seed)),
  },
  frames: {
    sources: ['control.c', 'stream.c', 'process.c', 'output.c', 'hand_over.c', 'times.c', 'decode.c', 'status.c', 'log.c', 'shim.c'],
    seeds: [
      Buffer.concat([hello, frame(2, u32(15)), frame(3, text(''), Buffer.from([24, 0, 80, 0])), frame(8), frame(7, text('')), frame(6, text(''))]),
      Buffer.concat([hello, frame(5, text(''), text('b'.repeat(32)), text('ioe')), frame(4, text('exec-1'), text('plan'))]),
      Buffer.concat([hello, frame(4, text('e'.repeat(79)), Buffer.concat([u32(4000), Buffer.alloc(4000, 1)]))]),
      Buffer.concat([frame(10, text(ticket)), Buffer.from('input for the process\n'.repeat(400))]),
    ],
  },
  log: { sources: ['log.c', 'decode.c'], seeds: [Buffer.from('line\nhalf'), Buffer.from('é\n\u{1f600}"\\\t\x01\n'), Buffer.alloc(20_000, 'x'), Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x0a])] },
};

/** Of the steps nothing is called: plans are decoded, processes not started. */
const LINKS = ['-no-pie', '-Wl,-z,lazy', '-Wl,--unresolved-symbols=ignore-all', '-Wl,--wrap=launch'];
/** Each target for so long. */
export function fuzzShimParsers(seconds: number): void {
  let directory: string;
  const programs = new Map<string, string>();
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'berth-fuzz-'));
    const driver = (await filesOf('test/fuzz/shim')).filter((path) => !path.endsWith('_target.c'));
    const includes = ['-I', join(REPOSITORY, 'dist/native'), '-I', SHIM, '-I', TARGETS];
    for (const [name, { sources }] of Object.entries(targets))
      programs.set(name, await compileSanitized(`fuzz-${name}`, [...driver, join(TARGETS, `${name}_target.c`), ...sources.map((file) => join(SHIM, file))], [...includes, ...LINKS]));
  }, 120_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (program: string, args: readonly string[], cwd: string): Promise<{ code: number; stdout: string; stderr: string }> =>
    new Promise((resolve) =>
      execFile(program, args, { cwd, env: { ASAN_OPTIONS: 'detect_leaks=0' }, maxBuffer: 16 << 20 }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })));

  /** The input of the crash, as a folder to be looked at and, once it is mended, kept. */
  function keep(target: string, last: string): string {
    const bytes = readFileSync(last);
    const input = bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0)));
    const folder = join(CASES, target, createHash('sha256').update(input).digest('hex').slice(0, 12));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'input'), input);
    return folder;
  }

  test('a decoder that does not look at a length is found out', async () => {
    const sources = await weakenedSources([{ file: 'decode.c', defence: '|| (size_t)(from->end - from->at) < to->length)', without: ')' }]);
    try {
      const driver = [join(TARGETS, 'mutate.c'), join(TARGETS, 'plan_target.c'), join(sources, 'decode.c')];
      const program = await compileSanitized('fuzz-weak', driver, ['-I', join(REPOSITORY, 'dist/native'), '-I', sources, '-I', TARGETS, ...LINKS]);
      writeFileSync(join(directory, 'plan'), targets['plan']!.seeds[0]!);
      const { code, stderr } = await run(program, ['20', String(SEED), join(directory, 'last'), join(directory, 'plan')], directory);
      expect(code).not.toBe(0);
      expect(stderr).toContain('AddressSanitizer');
    } finally {
      rmSync(sources, { recursive: true });
      rmSync(join(directory, 'plan'), { force: true });
    }
  }, 60_000);

  test.each(Object.keys(targets))('no bytes make the parser of %s read or write where it may not', async (name) => {
    const cwd = join(directory, name);
    mkdirSync(cwd);
    const program = programs.get(name)!;
    const folder = join(CASES, name);
    const known = existsSync(folder) ? readdirSync(folder).map((one) => join(folder, one, 'input')) : [];
    if (known.length > 0) expect(await run(program, ['replay', ...known], cwd)).toMatchObject({ code: 0, stderr: '' });
    const seeds = targets[name]!.seeds.map((seed, number) => {
      writeFileSync(join(cwd, `seed-${number}`), seed);
      return join(cwd, `seed-${number}`);
    });
    const last = join(cwd, 'last');
    const { code, stdout, stderr } = await run(program, [String(seconds), String(SEED), last, ...seeds, ...known], cwd);
    if (code !== 0) throw new Error(`seed ${SEED}: kept as ${keep(name, last)}\n${stderr.slice(0, 4000)}`);
    expect(Number(stdout)).toBeGreaterThan(0); // how many there are is the machine's affair
    if (name === 'log') for (const line of readFileSync(join(cwd, 'log'), 'utf8').split('\n').filter(Boolean)) expect(JSON.parse(line)).toMatchObject({ log: expect.any(String), stream: expect.stringMatching(/^std(out|err)$/) });
  }, 60_000 + seconds * 2000);
}

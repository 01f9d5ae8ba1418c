import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { startWeakenedEngine, type Weakness, type WeakenedEngine } from '../fixtures/weakened-shim.js';
import { describeExecBirths } from './births.js';
import { loadPounce, pounceOn } from './pounce.js';

/** Of an attack that is a race: as many as it may need. */
const MOST_BIRTHS = 400;

describeExecBirths(25);

interface Attack {
  readonly name: string;
  readonly defences: readonly Weakness[];
  readonly options?: readonly string[];
  readonly args?: readonly string[];
  readonly got: RegExp;
}

const DUMPABLE = 'prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);';
/** These attacks are races, which a busy machine loses a thousand times over: without its defence, the birth waits where it can be seen, for 100 ms. */
const WINDOW = '\tusleep(100000);';
const attacks: readonly Attack[] = [
  {
    name: "the shim's descriptors are closed at the birth",
    defences: [{ file: 'birth.c', defence: '\tclose_all_but(socket, at->task_pidfd);', without: `\t(void)close_all_but;\n${WINDOW}` }],
    options: ['--cap-add', 'SYS_PTRACE'],
    got: /^file .*\/containers\//,
  },
  {
    name: 'it joins all other namespaces before it is seen in the container',
    defences: [
      { file: 'steps_namespace.c', defence: 'int result = others ? enter(at, at->task_pidfd, others) : 0;\n\tif (!result && (op->flags & CLONE_NEWUSER))\n\t\tresult = become_root();\n\tif (result < 0 || !(op->flags & CLONE_NEWPID))\n\t\treturn result;', without: '(void)become_root;\n\tint result, task = dup(at->task_pidfd);' },
      { file: 'steps_namespace.c', defence: 'return be_born(at);', without: `result = be_born(at);\n${WINDOW}\n\treturn result < 0 ? result : enter(at, task, others);` },
    ],
    options: ['--cap-add', 'SYS_PTRACE'],
    got: /^root$/,
  },
  {
    name: 'it cannot be dumped, so that nobody with the same rights may stop it',
    defences: [
      ...['shim.c', 'zygote.c', 'steps_identity.c'].map((file) => ({ file, defence: DUMPABLE, without: '' })),
      // Only who has no more capabilities than the attacker can be stopped.
      { file: 'steps_identity.c', defence: '\tat->last_words->executing = true;', without: `${WINDOW}\n\tat->last_words->executing = true;` },
    ],
    args: ['trace'],
    got: /^traced$/,
  },
];

/** Yama may forbid what this attack does, whatever the shim does (kernel: admin-guide/LSM/Yama). */
const mayTrace = !['1', '2', '3'].includes(readText('/proc/sys/kernel/yama/ptrace_scope'));

describe.each(attacks)('without this defence: $name', ({ defences, options = [], args = [], got }) => {
  let weak: WeakenedEngine;
  beforeAll(async () => {
    weak = await startWeakenedEngine(defences);
    await loadPounce(weak.engine);
  }, patience(300_000));
  afterAll(() => weak?.stop(), patience(180_000));

  test.skipIf(!mayTrace && args.includes('trace'))('the container gets hold of an exec that is being born', async () => {
    const seen = await pounceOn(weak.engine, { options, args, births: MOST_BIRTHS, until: (lines) => lines.some((line) => got.test(line)) });
    expect(seen).toContainEqual(expect.stringMatching(got));
  }, patience(300_000));
});

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { giveSubordinateIds } from '../fixtures/subordinate-ids.js';
import { startWeakenedEngine, type Weakness, type WeakenedEngine } from '../fixtures/weakened-shim.js';
import { loadPounce, pounceOn } from './pounce.js';

/** A container that is born among another's processes (`--pid container:X`), in the eyes of X, which may trace. With a sysctl, so that a procfs was in use on the way. */
const birth = ['run', '--rm', '--network', 'none', '--pid', 'container:pounce', '--sysctl', 'kernel.shmmax=1000000', 'pounce', '/bin/true'];
const BIRTHS = 15;
/** Of an attack that is a race: as many as it may need. */
const MOST_BIRTHS = 200;

/** What only the host has: the engine's data, and a process whose number no container reaches. */
const ofHost = (engine: TestEngine): readonly string[] => [engine.settings.dataRoot, `/${engine.pid('executor')}/comm`];
const pounce = (engine: TestEngine, births: number, until?: (got: readonly string[]) => boolean): Promise<readonly string[]> =>
  pounceOn(engine, { options: ['--cap-add', 'SYS_PTRACE'], args: ['for', ...ofHost(engine)], birth, births, ...(until ? { until } : {}) });

describe.each([
  ['of this engine', {}],
  ['in a user namespace', { BERTH_USERNS_REMAP: 'games' }],
])('in a container %s', (_, environment) => {
  let given: Disposable;
  let engine: TestEngine;
  beforeAll(async () => {
    given = giveSubordinateIds({ games: '1100000:65536' });
    engine = await startEngine(environment);
    await loadPounce(engine);
  }, 120_000);
  afterAll(async () => {
    given[Symbol.dispose]();
    await engine?.stop();
  }, 60_000);

  test('nothing of the host is seen in a container that is born among its processes', async () => {
    expect(readFileSync(`/proc/${engine.pid('executor')}/comm`, 'utf8')).not.toBe('');
    expect(await pounce(engine, BIRTHS)).toEqual([]);
  }, 60_000);
});

interface Attack {
  readonly name: string;
  readonly defences: readonly Weakness[];
  readonly got: (engine: TestEngine) => string;
}

const attacks: readonly Attack[] = [
  {
    name: 'it comes when it has left the host behind',
    defences: [
      { file: 'steps_namespace.c', defence: '\tat->task_pidfd = fd;\n\treturn 0;', without: '\treturn enter(at, fd, CLONE_NEWPID);' },
      { file: 'steps_namespace.c', defence: '\t\treturn -ESRCH;', without: '\t\treturn 0;' },
    ],
    got: (engine) => `found ${engine.settings.dataRoot}`,
  },
  {
    name: "it brings no procfs of the host's along",
    defences: [
      { file: 'steps_namespace.c', defence: "\tclose_held(&at->proc_fd); /* of the pid namespace that is left: it shows the host's processes */\n", without: '' },
      // The attack is a race, which a busy machine loses: it waits where it can be seen, for 20 ms.
      { file: 'steps_namespace.c', defence: '\treturn be_born(at);', without: '\tresult = be_born(at);\n\tusleep(100000);\n\treturn result;' },
    ],
    got: (engine) => `found /${engine.pid('executor')}/comm`,
  },
];

describe.each(attacks)('without this defence: $name', ({ defences, got }) => {
  let weak: WeakenedEngine;
  beforeAll(async () => {
    weak = await startWeakenedEngine(defences);
    await loadPounce(weak.engine);
  }, 120_000);
  afterAll(() => weak?.stop(), 60_000);

  test('the container gets hold of the host', async () => {
    const wanted = got(weak.engine);
    expect(await pounce(weak.engine, MOST_BIRTHS, (lines) => lines.includes(wanted))).toContain(wanted);
  }, 120_000);
});

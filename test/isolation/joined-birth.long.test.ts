import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';
import { startWeakenedEngine, type Weakness, type WeakenedEngine } from '../fixtures/weakened-shim.js';
import { describeJoinedBirths, pounceOnJoined } from './births.js';
import { loadPounce } from './pounce.js';

/** Of an attack that is a race: as many as it may need. */
const MOST_BIRTHS = 200;

describeJoinedBirths(15);

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
  }, patience(300_000));
  afterAll(() => weak?.stop(), patience(180_000));

  test('the container gets hold of the host', async () => {
    const wanted = got(weak.engine);
    expect(await pounceOnJoined(weak.engine, MOST_BIRTHS, (lines) => lines.includes(wanted))).toContain(wanted);
  }, patience(300_000));
});

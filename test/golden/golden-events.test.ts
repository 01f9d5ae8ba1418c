import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Decider } from '#libs/event-store/decider.js';
import type { DomainEvent } from '#libs/event-store/event.js';
import { CONTAINER_FOLD, containerDecider } from '../../services/containers/domain/container/container-decider.js';
import { EXEC_FOLD, execDecider } from '../../services/containers/domain/exec/exec-decider.js';
import { NAME_FOLD, nameDecider } from '../../services/containers/domain/name/name-decider.js';
import { freezeTask, TASK_FOLD, taskDecider } from '../../services/executor/domain/task/task-decider.js';
import { ACCESS_FOLD, refusalDecider } from '../../services/gateway/domain/access/refusal-decider.js';
import { PRUNE_FOLD, pruneDecider } from '../../services/gateway/domain/prune/prune-decider.js';
import { IMAGE_FOLD, imageDecider } from '../../services/images/domain/image/image-decider.js';
import { NETWORK_FOLD, networkDecider } from '../../services/networks/domain/network/network-decider.js';
import { freezePool, POOL_FOLD, poolDecider } from '../../services/networks/domain/pool/pool-decider.js';
import { VOLUME_FOLD, volumeDecider } from '../../services/volumes/domain/volume/volume-decider.js';
import * as samples from './event-samples.js';

/** Tests run compiled: from dist/test/golden up to the sources. */
const ROOT = join(import.meta.dirname, '../../..');
/** `npm run golden` writes what is missing. What is there is never changed: it is what lies in logs. */
const RENEW = process.env['WRITE_GOLDEN'] === '1';

interface Kind {
  readonly folder: string;
  readonly samples: object;
  /** By their golden file's name: further events of types that `samples` has. */
  readonly variants?: Readonly<Record<string, DomainEvent>>;
  readonly decider: { readonly initialState: unknown; readonly evolve: (state: never, event: never) => unknown };
  readonly fold: string;
  readonly freeze?: (state: never) => unknown;
  /** Lifts what older versions wrote. */
  readonly upcast?: (event: DomainEvent) => DomainEvent;
}

const kinds: Readonly<Record<string, Kind>> = {
  container: { folder: 'containers/domain/container', samples: samples.containerSamples, variants: samples.containerVariants, decider: containerDecider, fold: CONTAINER_FOLD },
  name: { folder: 'containers/domain/name', samples: samples.nameSamples, decider: nameDecider, fold: NAME_FOLD },
  exec: { folder: 'containers/domain/exec', samples: samples.execSamples, decider: execDecider, fold: EXEC_FOLD },
  task: { folder: 'executor/domain/task', samples: samples.taskSamples, variants: samples.taskVariants, decider: taskDecider, fold: TASK_FOLD, freeze: freezeTask },
  image: { folder: 'images/domain/image', samples: samples.imageSamples, decider: imageDecider, fold: IMAGE_FOLD },
  network: { folder: 'networks/domain/network', samples: samples.networkSamples, decider: networkDecider, fold: NETWORK_FOLD },
  pool: { folder: 'networks/domain/pool', samples: samples.poolSamples, decider: poolDecider, fold: POOL_FOLD, freeze: freezePool },
  volume: { folder: 'volumes/domain/volume', samples: samples.volumeSamples, decider: volumeDecider, fold: VOLUME_FOLD },
  access: { folder: 'gateway/domain/access', samples: samples.accessSamples, decider: refusalDecider, fold: ACCESS_FOLD },
  prune: { folder: 'gateway/domain/prune', samples: samples.pruneSamples, decider: pruneDecider, fold: PRUNE_FOLD },
};

const folderOf = ({ folder }: Kind): string => join(ROOT, 'services', folder, 'golden');

/** The bytes of a golden file; in a renewal, `wanted` where there is none. */
function golden(kind: Kind, name: string, wanted: string): string {
  const path = join(folderOf(kind), name);
  if (RENEW && !existsSync(path)) {
    mkdirSync(folderOf(kind), { recursive: true });
    writeFileSync(path, wanted);
  }
  if (!existsSync(path)) throw new Error(`${path} is missing: "npm run golden" writes it`);
  return readFileSync(path, 'utf8');
}

const eventsOf = (kind: Kind): (DomainEvent & { readonly v?: number })[] => Object.entries(kind.samples).map(([type, fields]) => ({ type, ...(fields as object) }));

describe.each(Object.entries(kinds))('%s', (_, kind) => {
  const evolve = kind.decider.evolve as Decider<unknown, unknown, DomainEvent>['evolve'];
  const { upcast = (event: DomainEvent) => event } = kind;

  test.each(eventsOf(kind))('the bytes of $type are those of its golden file', (event) => {
    const bytes = JSON.stringify(event);
    expect(bytes, 'an event has changed: give it a new version, and lift the old one').toBe(golden(kind, `${event.type}.v${event.v ?? 1}.json`, bytes));
  });

  test.each(Object.entries(kind.variants ?? {}))('the bytes of %s are those of its golden file', (name, event) => {
    const bytes = JSON.stringify(event);
    expect(bytes, 'an event has changed: give it a new version, and lift the old one').toBe(golden(kind, `${name}.v1.json`, bytes));
  });

  test('every version ever written is lifted to a type of today, and folds after whatever came before it', () => {
    const types = Object.keys(kind.samples);
    const written = readdirSync(folderOf(kind)).filter((name) => /\.v\d+\.json$/.test(name));
    expect(written.length).toBeGreaterThanOrEqual(types.length);
    const histories = types.map((_type, length) => eventsOf(kind).slice(0, length));
    for (const name of written) {
      const event = upcast(JSON.parse(readFileSync(join(folderOf(kind), name), 'utf8')) as DomainEvent);
      expect(types).toContain(event.type);
      for (const history of histories) expect(() => [...history, event].reduce(evolve, kind.decider.initialState)).not.toThrow();
    }
  });

  test('what the fold makes of events is what its version made of them', () => {
    const { freeze = (plain: never): unknown => plain } = kind;
    let state = kind.decider.initialState;
    for (const event of eventsOf(kind)) {
      state = evolve(state, event);
      const bytes = JSON.stringify(freeze(state as never), undefined, 1);
      expect(bytes, `what ${event.type} makes of a state has changed: change the fold's version, so that old snapshots are left aside`).toBe(golden(kind, `${event.type}.fold${kind.fold}.json`, bytes));
    }
  });
});

test('no golden file was ever changed', () => {
  const git = (...args: string[]): string => spawnSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).stdout ?? '';
  const paths = ['--', ':(glob)services/*/domain/*/golden/*.json'];
  expect(git('log', '--diff-filter=MDR', '--name-only', '--format=', ...paths).trim()).toBe('');
  expect(git('diff', 'HEAD', '--diff-filter=MDR', '--name-only', ...paths).trim()).toBe('');
});

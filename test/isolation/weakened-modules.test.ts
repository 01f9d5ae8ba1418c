import { expect, test } from 'vitest';
import { failuresWithout } from '../fixtures/weakened-module.js';
import type { Weakness } from '../fixtures/weakened-shim.js';

interface Defence extends Weakness {
  /** What it keeps from happening. */
  readonly against: string;
  readonly test: { readonly file: string; readonly named: string };
}

const ADAPTERS = 'services/executor/adapters';
const IN_ROOT = 'RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)';

/** One line of a compiled module each, and a test that must fail where that line is not as it is. Only tests whose attacks, where they come through, reach no further than their own directory and networks. */
const defences: readonly Defence[] = [
  {
    against: "a container's symlink leads a copy out of its root",
    file: `${ADAPTERS}/trees/container-root.js`,
    defence: IN_ROOT,
    without: 'RESOLVE_NO_MAGICLINKS)',
    test: { file: `${ADAPTERS}/trees/stopped-root.test.js`, named: 'one that leads above the root' },
  },
  {
    against: "a layer's symlink leads its unpacking out of its directory",
    file: `${ADAPTERS}/snapshots/layer-tree.js`,
    defence: IN_ROOT,
    without: 'RESOLVE_NO_MAGICLINKS)',
    test: { file: `${ADAPTERS}/snapshots/layer-store.test.js`, named: 'a symlink to a directory of the host is refused' },
  },
  {
    against: "an image's symlink has a volume filled with files of the host",
    file: `${ADAPTERS}/host/fill-volume.js`,
    defence: `openat2(root, path, constants.O_RDONLY | constants.O_DIRECTORY, 0, ${IN_ROOT}`,
    without: 'openat2(root, path.slice(1), constants.O_RDONLY | constants.O_DIRECTORY, 0, 0)',
    test: { file: `${ADAPTERS}/host/fill-volume.test.js`, named: 'with overlay2 a path that leads out of the image' },
  },
  {
    against: 'a neighbour of the host reaches a port of a container that is not published',
    file: `${ADAPTERS}/network/rule-set.js`,
    defence: '`oifname "${b.bridge}" drop`',
    without: '',
    test: { file: `${ADAPTERS}/network/network.test.js`, named: 'a published port is reached from far' },
  },
  {
    against: 'a container of an internal network gets out',
    file: `${ADAPTERS}/network/rule-set.js`,
    // Either of the two stops a connection: the answers, too, have to go by.
    defence: '[`iifname "${b.bridge}" oifname != "${b.bridge}" drop`, `oifname "${b.bridge}" iifname != "${b.bridge}" drop`]',
    without: '[]',
    test: { file: `${ADAPTERS}/network/network.test.js`, named: 'bridges do not reach each other' },
  },
];

test.each(defences.map((one) => [one.against, one] as const))('%s where its defence is taken out, and a test says so', async (_, { test: bitten, ...weakness }) => {
  const failed = await failuresWithout(weakness, bitten);
  expect(failed.map(({ name }) => name)).toEqual([expect.stringContaining(bitten.named)]);
  // By what it expects, not by a module that does not load.
  expect(failed[0]?.message).toContain('AssertionError');
}, 60_000);

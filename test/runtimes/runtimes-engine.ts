import { afterAll, beforeAll } from 'vitest';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { patience } from '../engine/patience.js';

/** crun refuses a machine that has a controller in cgroup v2 beside v1: an engine is shown none, by a mount of its own. */
export const NO_V2_CONTROLLERS = 'if [ -e /sys/fs/cgroup/unified/cgroup.controllers ]; then mount --bind /dev/null /sys/fs/cgroup/unified/cgroup.controllers; fi';
/** A place of the host that passes its later mounts on, which this machine has none of. */
const SHARED_MOUNT = 'mount -t tmpfs shared /mnt && mount --make-shared /mnt';
const PACKAGES = new URL('../../../test/runtimes/runtime-packages.mjs', import.meta.url).href;
const { ensureRuntimes } = (await import(PACKAGES)) as { readonly ensureRuntimes: (names: readonly string[]) => readonly string[] }; // plain JavaScript, as all set-up
export const OTHERS: readonly string[] = ['runc', 'crun'];
const installed = ensureRuntimes(OTHERS);
export const isInstalled = (runtime: string): boolean => !OTHERS.includes(runtime) || installed.includes(runtime);

/** An engine with busybox on which all runtimes run. Its hooks are those of whoever asks for it. */
export function engineWithRuntimes(): () => TestEngine {
  let engine: TestEngine | undefined;
  beforeAll(async () => {
    engine = await startEngine({}, `${NO_V2_CONTROLLERS} && ${SHARED_MOUNT}`);
    await engine.loadBusybox();
  }, patience(300_000));
  afterAll(async () => {
    await engine?.stop();
  }, patience(180_000));
  return () => {
    if (!engine) throw new Error('the engine does not run');
    return engine;
  };
}

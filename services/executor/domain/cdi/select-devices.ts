import { unclassified } from '#libs/errors/errors.js';
import type { CdiEdits, CdiSpec } from './cdi-spec.js';

/** The vendors whose GPUs `--gpus` means: the first one that the machine has. */
const GPU_VENDORS = ['nvidia.com', 'amd.com'];
const NOTHING: CdiEdits = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [] };

/**
 * What a container needs for these devices, "vendor.com/class=name", or "gpu=name" of whatever vendor has some: of each file that has one of them its own edits, once, then the
 * device's; "gpu=none" is none of some that there are. A later file's device stands for an earlier one's of that name. Throws invalid, in dockerd's words, for what no file has.
 */
export function editsFor(names: readonly string[], specs: readonly CdiSpec[]): CdiEdits {
  const wanted = names.flatMap((name) => (name.startsWith('gpu=') ? ofVendor(name.slice('gpu='.length), specs) : [name]));
  const found = wanted.map((name) => ({ name, ...deviceOf(name, specs) }));
  const unknown = found.filter(({ edits }) => edits === undefined).map(({ name }) => name);
  if (unknown.length > 0) throw unclassified(`CDI device injection failed: unresolvable CDI devices ${unknown.join(', ')}`);
  const seen = new Set<CdiSpec>();
  return found.reduce((all, { spec, edits }) => {
    const ofFile = spec && !seen.has(spec) ? spec.edits : NOTHING;
    if (spec) seen.add(spec);
    return joined(joined(all, ofFile), edits ?? NOTHING);
  }, NOTHING);
}

function ofVendor(device: string, specs: readonly CdiSpec[]): string[] {
  const kind = GPU_VENDORS.map((vendor) => `${vendor}/gpu`).find((one) => specs.some((spec) => spec.kind === one));
  if (kind === undefined) throw unclassified('could not select device driver "" with capabilities: [[gpu]]');
  return device === 'none' ? [] : [`${kind}=${device}`];
}

function deviceOf(name: string, specs: readonly CdiSpec[]): { readonly spec?: CdiSpec; readonly edits?: CdiEdits } {
  const [kind, device] = name.split('=', 2);
  const spec = specs.findLast((one) => one.kind === kind && one.devices.some((has) => has.name === device));
  const edits = spec?.devices.find((has) => has.name === device)?.edits;
  return spec && edits ? { spec, edits } : {};
}

function joined(one: CdiEdits, other: CdiEdits): CdiEdits {
  return {
    env: [...one.env, ...other.env],
    deviceNodes: [...one.deviceNodes, ...other.deviceNodes],
    mounts: [...one.mounts, ...other.mounts],
    hooks: [...one.hooks, ...other.hooks],
    additionalGids: [...one.additionalGids, ...other.additionalGids],
  };
}

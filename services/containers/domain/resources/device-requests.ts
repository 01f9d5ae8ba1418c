import type { DeviceRequest, HostConfig } from '#contracts/containers/container-config.js';
import { unclassified } from '#libs/errors/errors.js';

/**
 * Devices that drivers know by names of theirs, as names of the Container Device Interface; "gpu=…" is any vendor's. Throws, in dockerd's words, for drivers that
 * there are not. Whether the machine has them is the executor's to say.
 */
export function cdiDevices({ DeviceRequests }: HostConfig): readonly string[] {
  return (DeviceRequests ?? []).flatMap((request) => {
    if (request.Driver === 'cdi') return named(request);
    if (isGpu(request)) return gpus(request);
    throw notSelected(request);
  });
}

function named({ Count, Options, DeviceIDs }: DeviceRequest): readonly string[] {
  if (Count) throw unclassified('unexpected count in CDI device request');
  if (Object.keys(Options ?? {}).length > 0) throw unclassified('unexpected options in CDI device request');
  for (const id of DeviceIDs ?? []) if (!/^[^=/]+\/[^=/]+=[^=]+$/.test(id)) throw unclassified(`CDI device injection failed: unresolvable CDI devices ${id}`);
  return DeviceIDs ?? [];
}

/** None of them, of a machine that has some. */
const NO_GPU = 'gpu=none';

/** Asked for "gpu" and nothing that only some have. */
const isGpu = ({ Driver, Capabilities }: DeviceRequest): boolean => !Driver && (Capabilities ?? []).some((all) => all.includes('gpu') && all.every((one) => one === 'gpu' || one === 'nvidia' || one === 'amd'));

function gpus({ Count, DeviceIDs, Options }: DeviceRequest): readonly string[] {
  if (Object.keys(Options ?? {}).length > 0) throw unclassified('unexpected options in CDI device request');
  if (DeviceIDs?.length && Count) throw unclassified('cannot set both Count and DeviceIDs on device request');
  if (DeviceIDs?.length) return DeviceIDs.map((id) => `gpu=${id}`);
  if (!Count) return [NO_GPU];
  return Count === -1 ? ['gpu=all'] : Array.from({ length: Math.max(0, Math.min(Count, 256)) }, (_, index) => `gpu=${index}`);
}

function notSelected({ Driver, Capabilities }: DeviceRequest): Error {
  return unclassified(`could not select device driver "${Driver ?? ''}" with capabilities: [${(Capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ')}]`);
}

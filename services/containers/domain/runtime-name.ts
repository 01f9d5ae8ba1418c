import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';

/**
 * `--runtime`, by the executor's name for it. Nothing asked for is Berth's own. "runc" means runc and no other, although it is the name of dockerd's default: a
 * container that shows "runc" and is none would be a lie, so inspect shows "berth", which clients that create a container anew from what they read send back.
 * "io.containerd.runc.v2" is what dockerd calls runc behind its shim.
 */
export function runtimeName(asked: string | undefined): string {
  if (asked === undefined || asked === '') return OWN_RUNTIME;
  return asked === 'io.containerd.runc.v2' ? 'runc' : asked;
}

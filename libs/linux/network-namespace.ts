import { closeSync } from 'node:fs';
import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** A new network namespace, alive as long as its descriptor (close-on-exec) or a process in it is. The calling thread stays where it was. Throws SystemCallError. */
export function newNetworkNamespace(): Fd {
  return checked('unshare CLONE_NEWNET', native.newNetworkNamespace());
}

/** The same beside the event loop: the kernel takes a millisecond. */
export async function newNetworkNamespaceAsync(): Promise<Fd> {
  return checked('unshare CLONE_NEWNET', await native.newNetworkNamespaceAsync());
}

/** The calling thread's network namespace. */
export function ownNetworkNamespace(): Fd {
  return checked('open ns/net', native.ownNetworkNamespace());
}

/**
 * Runs `visit` with the calling thread in another network namespace, for what follows the thread: files below /proc/sys/net and children spawned meanwhile.
 * `visit` must be synchronous: after an await other code would run in the wrong network.
 */
export function inNetworkNamespace<T>(namespace: Fd, visit: () => T extends PromiseLike<unknown> ? never : T): T {
  const home = ownNetworkNamespace();
  try {
    checked('setns', native.setNetworkNamespace(namespace), { namespace });
    try {
      return visit();
    } finally {
      // A thread that cannot come home would act on the wrong network from then on.
      if (native.setNetworkNamespace(home) < 0) process.abort();
    }
  } finally {
    closeSync(home);
  }
}

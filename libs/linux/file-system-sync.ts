import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** All that was written to the file system that `fd` lies on is on the disk when this returns (syncfs(2)). It blocks, for seconds on a busy disk: for worker threads. */
export function syncfs(fd: Fd): void {
  checked('syncfs', native.syncfs(fd), { fd });
}

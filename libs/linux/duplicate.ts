import type { Fd } from './native.js';
import { native } from './native.js';
import { checked } from './system-call-error.js';

/** One more descriptor of the same open file, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC). The caller closes it. Throws SystemCallError. */
export const duplicate = (fd: Fd): Fd => checked('fcntl F_DUPFD_CLOEXEC', native.duplicate(fd), { fd });

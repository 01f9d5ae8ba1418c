import type { Fd } from './native.js';
import { native } from './native.js';
import { checked, SystemCallError } from './system-call-error.js';

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/** Who connected to a unix socket, as of then (unix(7), SO_PEERCRED; SO_PEERGROUPS). Throws SystemCallError. */
export function peerCredentials(fd: Fd): PeerCredentials {
  const answer = native.peerCredentials(fd);
  if (typeof answer === 'number') throw new SystemCallError('getsockopt SO_PEERCRED', -answer, { fd });
  const [pid, uid, gid, ...groups] = answer;
  return { pid, uid, gid, groups };
}

/** Whether the other end of a unix socket has read all that was written to this one (unix(7), SIOCOUTQ). Throws SystemCallError. */
export function hasReadAll(fd: Fd): boolean {
  return checked('ioctl SIOCOUTQ', native.unreadOutput(fd), { fd }) === 0;
}

/** A descriptor of a process, which keeps meaning this one when its number is reused (pidfd_open(2)). Readable to poll when it ends. Throws ESRCH. */
export function pidfdOpen(pid: number): Fd {
  return checked('pidfd_open', native.pidfdOpen(pid), { pid });
}

/** Signals the process behind `pidfd`. False: it was gone already. `signal` 0 only asks. */
export function pidfdSendSignal(pidfd: Fd, signal: number): boolean {
  const result = native.pidfdSendSignal(pidfd, signal);
  if (result === -3 /* ESRCH */) return false;
  checked('pidfd_send_signal', result, { pidfd, signal });
  return true;
}

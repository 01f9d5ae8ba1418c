import { native } from './native.js';
import { checked } from './system-call-error.js';

/**
 * Reads files from their beginnings, one after the other, into `room`, where what they hold lies without a gap. `lengths` gets the bytes of each, or -errno. Each may take as much as
 * its share of `room`. For small files of the kernel: a call from Node into the system takes longer than reading one. Throws SystemCallError where `lengths` is too short.
 */
export function preadEach(fds: Int32Array<ArrayBuffer>, room: Uint8Array, lengths: Int32Array<ArrayBuffer>): void {
  checked('pread', native.preadEach(fds, room, lengths), { files: fds.length });
}

import { PROBE_OUTPUT_BYTES } from './health.js';

const HEADER_BYTES = 8;

/**
 * What a health check printed, both streams in their order, as far as it is kept. Fed with the frames of the Engine API's attach (stream, three zero bytes, u32 BE length,
 * payload), in whatever pieces they come.
 */
export class ProbeOutput {
  private readonly kept: Buffer[] = [];
  private bytes = 0;
  private header = Buffer.alloc(0);
  private payloadLeft = 0;
  private truncated = false;

  add(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0; ) {
      if (this.payloadLeft === 0) {
        const part = rest.subarray(0, HEADER_BYTES - this.header.length);
        this.header = Buffer.concat([this.header, part]);
        rest = rest.subarray(part.length);
        if (this.header.length < HEADER_BYTES) return;
        this.payloadLeft = this.header.readUInt32BE(4);
        this.header = Buffer.alloc(0);
        continue;
      }
      const part = rest.subarray(0, this.payloadLeft);
      this.payloadLeft -= part.length;
      rest = rest.subarray(part.length);
      this.keep(part);
    }
  }

  /** With an ellipsis where more was printed, as dockerd has it. */
  get text(): string {
    return `${Buffer.concat(this.kept).toString('utf8')}${this.truncated ? '...' : ''}`;
  }

  private keep(part: Buffer): void {
    const room = PROBE_OUTPUT_BYTES - this.bytes;
    if (part.length > room) this.truncated = true;
    // A copy: a part of a large chunk would hold all of it.
    if (room > 0) this.kept.push(Buffer.from(part.subarray(0, room)));
    this.bytes += Math.min(room, part.length);
  }
}

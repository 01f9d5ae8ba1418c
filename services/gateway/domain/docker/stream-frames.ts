const HEADER_BYTES = 8;
export const STDOUT = 1;

/** One of Docker's frames. */
export function framed(stream: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt8(stream, 0);
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** Takes Docker's frames (stream, three zeros, u32 BE length, bytes) as they come in pieces, and gives what is in them. */
export class Unframed {
  private held: Buffer = Buffer.alloc(0);
  /** Bytes of the present frame that are still to come. */
  private left = 0;
  private stream = 0;

  /** `only`: what is in frames of other streams is dropped. */
  constructor(private readonly only?: number) {}

  take(piece: Buffer): Buffer[] {
    const found: Buffer[] = [];
    let bytes = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    while (bytes.length > 0) {
      if (this.left === 0) {
        if (bytes.length < HEADER_BYTES) break;
        this.stream = bytes.readUInt8(0);
        this.left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(HEADER_BYTES);
        continue;
      }
      const part = bytes.subarray(0, this.left);
      if (this.only === undefined || this.stream === this.only) found.push(part);
      this.left -= part.length;
      bytes = bytes.subarray(part.length);
    }
    this.held = bytes;
    return found;
  }
}

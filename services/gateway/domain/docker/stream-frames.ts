const HEADER_BYTES = 8;

/** Takes Docker's frames (stream, three zeros, u32 BE length, bytes) as they come in pieces, and gives what is in them. */
export class Unframed {
  private held: Buffer = Buffer.alloc(0);
  /** Bytes of the present frame that are still to come. */
  private left = 0;

  take(piece: Buffer): Buffer[] {
    const found: Buffer[] = [];
    let bytes = this.held.length === 0 ? piece : Buffer.concat([this.held, piece]);
    while (bytes.length > 0) {
      if (this.left === 0) {
        if (bytes.length < HEADER_BYTES) break;
        this.left = bytes.readUInt32BE(4);
        bytes = bytes.subarray(HEADER_BYTES);
        continue;
      }
      const part = bytes.subarray(0, this.left);
      found.push(part);
      this.left -= part.length;
      bytes = bytes.subarray(part.length);
    }
    this.held = bytes;
    return found;
  }
}

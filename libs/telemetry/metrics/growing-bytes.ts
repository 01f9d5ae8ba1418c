const [ZERO, ASCII_END] = [48, 128];
/** Calling Node's encoder takes longer than so many characters one by one. */
const SHORT = 100;
/** Digits that a number of JavaScript holds exactly. */
const MOST_DIGITS = 1e15;
const LEAST = 16_384;

/** A text that grows by small parts, as bytes in UTF-8: a page of megabytes that way makes no work for the garbage collector, which strings would. */
export class GrowingBytes {
  private bytes: Buffer;
  private length = 0;

  /** `room`: how long it may become before it has to be copied. */
  constructor(room: number) {
    this.bytes = Buffer.allocUnsafeSlow(room);
  }

  text(text: string): this {
    this.makeRoom(text.length * 3);
    const { bytes } = this;
    let at = text.length > SHORT ? -1 : 0;
    for (; at >= 0 && at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= ASCII_END) at = -2;
      else bytes[this.length + at] = code;
    }
    this.length += at < 0 ? bytes.write(text, this.length) : text.length;
    return this;
  }

  /** Bytes of a text that is there often. */
  encoded(text: Uint8Array): this {
    this.makeRoom(text.length);
    this.bytes.set(text, this.length);
    this.length += text.length;
    return this;
  }

  number(value: number): this {
    if (!Number.isInteger(value) || value < 0 || value >= MOST_DIGITS) return this.text(String(value));
    let digits = 1;
    for (let above = 10; above <= value; above *= 10) digits++;
    this.makeRoom(digits);
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const tens = Math.floor(rest / 10);
      this.bytes[at] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.length += digits;
    return this;
  }

  /** All of it, until it grows. */
  all(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private makeRoom(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + more, this.bytes.length * 2, LEAST));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

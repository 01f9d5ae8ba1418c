/** For tests: what a filter says of one call, and how many instructions that took. Only what compileBpf writes is understood. */
export function runFilter(program: Uint8Array, call: { readonly arch: number; readonly number: number; readonly args?: readonly bigint[] }): { readonly verdict: number; readonly instructions: number } {
  const code = Buffer.from(program);
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number, 0);
  data.writeUInt32LE(call.arch, 4);
  call.args?.forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  let at = 0;
  for (let instructions = 1; ; instructions++) {
    const offset = 8 * at++;
    const k = code.readUInt32LE(offset + 4);
    const branch = (holds: boolean): void => void (at += code.readUInt8(offset + (holds ? 2 : 3)));
    switch (code.readUInt16LE(offset)) {
      case 0x20: accumulator = data.readUInt32LE(k); break;
      case 0x54: accumulator = (accumulator & k) >>> 0; break;
      case 0x05: at += k; break;
      case 0x15: branch(accumulator === k); break;
      case 0x25: branch(accumulator > k); break;
      case 0x35: branch(accumulator >= k); break;
      case 0x06: return { verdict: k, instructions };
      default: throw new Error(`instruction ${at - 1}: unknown code`);
    }
  }
}

/** For tests: what a device filter says of one access. Only what compileDeviceFilter writes is understood; all other codes throw. */
export function runDeviceFilter(program: Uint8Array, { type, major, minor, access }: { readonly type: 'b' | 'c'; readonly major: number; readonly minor: number; readonly access: string }): boolean {
  const code = Buffer.from(program);
  const context = Buffer.alloc(12);
  const bits = (access.includes('m') ? 1 : 0) | (access.includes('r') ? 2 : 0) | (access.includes('w') ? 4 : 0);
  context.writeUInt32LE((bits << 16) | (type === 'b' ? 1 : 2), 0);
  context.writeUInt32LE(major >>> 0, 4);
  context.writeUInt32LE(minor >>> 0, 8);
  const registers = new Uint32Array(11);
  const register = (index: number): number => registers[index] ?? 0;
  for (let at = 0; ; at += 8) {
    const to = code.readUInt8(at + 1) & 15;
    const from = code.readUInt8(at + 1) >> 4;
    const offset = code.readInt16LE(at + 2);
    const value = code.readInt32LE(at + 4) >>> 0;
    switch (code.readUInt8(at)) {
      case 0x61: registers[to] = context.readUInt32LE(offset); break;
      case 0xb4: registers[to] = value; break;
      case 0xbc: registers[to] = register(from); break;
      case 0x54: registers[to] = register(to) & value; break;
      case 0x74: registers[to] = register(to) >>> value; break;
      case 0x16: if (register(to) === value) at += 8 * offset; break;
      case 0x56: if (register(to) !== value) at += 8 * offset; break;
      case 0x95: return registers[0] === 1;
      default: throw new Error(`instruction ${at / 8}: unknown code`);
    }
  }
}

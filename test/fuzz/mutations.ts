/** A sequence of numbers that a seed tells again (mulberry32). */
export class Dice {
  constructor(private state: number) {}

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return limit > 0 ? ((value ^ (value >>> 14)) >>> 0) % limit : 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** Another version of `bytes`: bits and bytes changed, parts cut off, taken out, doubled, or the end of `other`. */
export function mutatedBytes(dice: Dice, bytes: Buffer, other: Buffer): Buffer {
  let now = Buffer.from(bytes);
  for (let steps = dice.below(6); steps > 0; steps--) {
    const at = dice.below(now.length);
    const part = 1 + dice.below(64);
    switch (dice.below(7)) {
      case 0: if (now.length > 0) now[at] = now[at]! ^ (1 << dice.below(8)); break;
      case 1: if (now.length > 0) now[at] = dice.pick([0, 1, 0x2f, 0x2e, 0x20, 0x3a, 0x7f, 0x80, 0xff, dice.below(256)]); break;
      case 2: now = now.subarray(0, at); break;
      case 3: now = Buffer.concat([now.subarray(0, at), now.subarray(at + part)]); break;
      case 4: now = Buffer.concat([now.subarray(0, at + part), now.subarray(at)]); break;
      case 5: now = Buffer.concat([now.subarray(0, at), Buffer.alloc(part, dice.below(256)), now.subarray(at)]); break;
      case 6: now = Buffer.concat([now.subarray(0, at), other.subarray(dice.below(other.length))]); break;
    }
    if (now.length > 1 << 18) now = now.subarray(0, 1 << 18);
    else now = Buffer.from(now);
  }
  return now;
}

const ODD_TEXTS = ['', '/', '..', '../..', '/../x', '\0', 'a\0b', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '-1', '0x10', '1e9', ' ', ':', '::', 'a:b:c:d', '=', '=x', '\ud800', 'é', 'x'.repeat(5000), '99999999999999999999', 'NaN', '${x}', '%s%n', '/proc', 'container:x', 'sha256:' + '0'.repeat(64)];
const ODD_NUMBERS = [0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, 4294967295];
const KEYS = ['__proto__', 'constructor', 'toString', '__defineGetter__', 'hasOwnProperty', 'x', '', 'Name', 'HostConfig', '0'];

/** Another version of a JSON value: somewhere in it, something else. Keys that JavaScript knows become the object's own. */
export function mutatedJson(dice: Dice, value: unknown): unknown {
  let now = value;
  for (let steps = 1 + dice.below(3); steps > 0; steps--) now = changed(dice, now);
  return now;
}

function changed(dice: Dice, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || dice.below(8) === 0) return oddValue(dice);
  if (Array.isArray(value)) {
    const copy = [...value];
    const at = dice.below(copy.length + 1);
    copy.splice(at, dice.below(2), at < copy.length ? changed(dice, copy[at]) : oddValue(dice));
    return copy;
  }
  const entries = Object.entries(value);
  const at = dice.below(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined) entries.push([dice.pick(KEYS), oddValue(dice)]);
  else if (dice.below(8) === 0) entries.splice(at, 1, [dice.pick(KEYS), entry[1]]);
  else entries[at] = [entry[0], changed(dice, entry[1])];
  return Object.fromEntries(entries);
}

function oddValue(dice: Dice): unknown {
  switch (dice.below(6)) {
    case 0: return dice.pick(ODD_TEXTS);
    case 1: return dice.pick(ODD_NUMBERS);
    case 2: return dice.pick([null, true, false, [], {}, [[]], [null], [{}]]);
    case 3: return Object.fromEntries([[dice.pick(KEYS), dice.pick(ODD_TEXTS)]]);
    case 4: return [dice.pick(ODD_TEXTS), dice.pick(ODD_NUMBERS)];
    default: return Array.from({ length: dice.below(40) }, () => dice.pick(ODD_TEXTS));
  }
}

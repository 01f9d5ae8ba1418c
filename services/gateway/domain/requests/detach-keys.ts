import { invalid } from '#libs/errors/errors.js';
import { detachKeys } from '#libs/patterns/detach-keys.js';

/** As bytes. Throws invalid, in dockerd's words, for what are none. */
export function parseDetachKeys(text: string): Uint8Array {
  const keys = detachKeys(text);
  if (keys === undefined) throw invalid(`Invalid detach keys (${text}) provided`);
  return keys;
}

/** How many of the keys were typed so far. */
export interface DetachState {
  readonly keys: Uint8Array;
  readonly matched: number;
}

export interface DetachStep {
  readonly state: DetachState;
  /** What goes on to the container: keys held back come out as soon as the sequence is broken. */
  readonly pass: Buffer;
  readonly detached: boolean;
}

export const watchingFor = (keys: Uint8Array): DetachState => ({ keys, matched: 0 });

/** Takes typed bytes. Once `detached` is true, neither the keys nor what followed them goes on. */
export function typed(state: DetachState, bytes: Uint8Array): DetachStep {
  const { keys } = state;
  let { matched } = state;
  const pass: number[] = [];
  for (const byte of bytes) {
    if (byte !== keys[matched] && matched > 0) {
      pass.push(...keys.subarray(0, matched));
      matched = 0;
    }
    if (byte !== keys[matched]) {
      pass.push(byte);
    } else if (++matched === keys.length) {
      return { state: watchingFor(keys), pass: Buffer.from(pass), detached: true };
    }
  }
  return { state: { keys, matched }, pass: Buffer.from(pass), detached: false };
}

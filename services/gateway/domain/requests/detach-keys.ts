import { invalid, unclassified } from '#libs/errors/errors.js';

const DEFAULT_KEYS = 'ctrl-p,ctrl-q';

/** "ctrl-p,ctrl-q" as bytes: ctrl- and one of a-z @ [ \ ] ^ _, DEL, or a single character, comma-separated. '' means the default. `what`: what dockerd calls them where they are none; as escape keys, of an exec, with its 500. */
export function parseDetachKeys(text: string, what: 'detach keys' | 'escape keys' = 'detach keys'): Uint8Array {
  const refuse = what === 'escape keys' ? unclassified : invalid;
  const keys = (text === '' ? DEFAULT_KEYS : text).split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    if (key === 'DEL') return 127;
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    throw refuse(`Invalid ${what} (${text}) provided`);
  });
  return Uint8Array.from(keys);
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

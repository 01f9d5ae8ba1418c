const DEFAULT_KEYS = 'ctrl-p,ctrl-q';

/** "ctrl-p,ctrl-q" as bytes: ctrl- and one of a-z @ [ \ ] ^ _, DEL, or a single character, comma-separated. '' means the default. Undefined: there are no such keys. */
export function detachKeys(text: string): Uint8Array | undefined {
  const keys = (text === '' ? DEFAULT_KEYS : text).split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) - 64;
    if (key === 'DEL') return 127;
    return key.length === 1 && key.charCodeAt(0) < 128 ? key.charCodeAt(0) : -1;
  });
  return keys.includes(-1) ? undefined : Uint8Array.from(keys);
}

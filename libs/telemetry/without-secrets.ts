const HIDDEN = '***';

/** Of a key: what it holds is never shown. */
const SECRET_NAME = /pass(word|wd|phrase)?$|secret|token|authorization|credential|api[-_]?key|^auth$|cookie/i;

/** In a text: user and password of a URL, what follows a telling name, and HTTP's ways to say who one is. */
const IN_TEXT: readonly (readonly [RegExp, string])[] = [
  // Of a scheme its end will do: looked for from its beginning, a long text of dots would take its square.
  [/([a-z0-9+.-]:\/\/)[^\s/@]+@/gi, `$1${HIDDEN}@`],
  [/\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, HIDDEN],
  [/((?:password|passwd|passphrase|secret|token|authorization|api[-_]?key|x-registry-auth)["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&"']+)/gi, `$1${HIDDEN}`],
];

export const isSecretName = (name: string): boolean => SECRET_NAME.test(name);

/** A last net, for texts that others made: whoever writes a log line does not put a secret in it. */
export function withoutSecrets(text: string): string {
  return IN_TEXT.reduce((shown, [pattern, replacement]) => shown.replace(pattern, replacement), text);
}

/** Whether a pattern fits the text as a whole: `*` and `?` stop at slashes. In time of the product of both lengths at most, since a client wrote it: the last `*` alone is ever tried again. */
export function globFits(pattern: string, text: string): boolean {
  const parts = text.split('/');
  const wanted = pattern.split('/');
  return parts.length === wanted.length && parts.every((part, at) => partFits(wanted[at] ?? '', part));
}

function partFits(pattern: string, text: string): boolean {
  let at = 0;
  let taken = 0;
  /** Behind the last `*`, and how much of the text was taken when that one had taken its share. */
  let again: { readonly at: number; taken: number } | undefined;
  while (taken < text.length) {
    if (pattern[at] === '*') again = { at: ++at, taken };
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[taken])) {
      at++;
      taken++;
    } else if (again !== undefined) {
      at = again.at;
      taken = ++again.taken;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

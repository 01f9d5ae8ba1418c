const FAMILY = /^(?=# HELP )/m;
const HEADER = /^(?:# .*\n)*/;
const END = '# EOF\n';

/** One page of several in the same format: a family that more than one of them has stands once, with the samples of all. No sample may be on two pages. */
export function mergeFamilies(pages: readonly string[]): string {
  const samples = new Map<string, string>();
  for (const page of pages) {
    for (const family of withoutEnd(page).split(FAMILY)) {
      const [header] = HEADER.exec(family) ?? [''];
      samples.set(header, (samples.get(header) ?? '') + family.slice(header.length));
    }
  }
  const merged = Array.from(samples, ([header, lines]) => header + lines).join('');
  return pages.some((page) => page.endsWith(END)) ? merged + END : merged;
}

const withoutEnd = (page: string): string => (page.endsWith(END) ? page.slice(0, -END.length) : page);

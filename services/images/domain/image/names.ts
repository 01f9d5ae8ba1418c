import { familiarName, parseReference } from '#libs/oci/reference.js';

const repositoryOf = (name: string): string => familiarName(parseReference(name));

const isTag = (name: string): boolean => !name.includes('@');

/** Whether an image's names, tags and digests in familiar form, are one for whoever removes it by its id: at most one tag, and digests of that repository alone. */
export function areOne(names: readonly string[]): boolean {
  return names.filter(isTag).length <= 1 && new Set(names.map(repositoryOf)).size <= 1;
}

/** What goes when a name is taken away: the name, and with the last tag of a repository its digests. */
export function goesWith(name: string, names: readonly string[]): readonly string[] {
  const repository = repositoryOf(name);
  const others = names.filter((other) => other !== name && repositoryOf(other) === repository);
  return [name, ...(isTag(name) && !others.some(isTag) ? others : [])];
}

import type { ImageView } from '#contracts/images/images.js';

/**
 * Ids of the images that stand on another, each by the other's id, as far as the others are `ancestors`: what was committed of an image, or built on it, has its layers at the bottom and
 * its history at the beginning.
 */
export function descendants(ancestors: Iterable<string | null>, images: readonly ImageView[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const id of ancestors) {
    const ancestor = images.find((image) => image.id === id);
    if (ancestor !== undefined) found.set(ancestor.id, new Set(images.filter((image) => standsOn(image, ancestor)).map((image) => image.id)));
  }
  return found;
}

function standsOn(image: ImageView, { diffIds, history }: ImageView): boolean {
  const begins = <T>(all: readonly T[], beginning: readonly T[], same: (one: T, other: T) => boolean): boolean => beginning.every((one, at) => all[at] !== undefined && same(one, all[at]));
  return image.history.length > history.length && begins(image.diffIds, diffIds, (one, other) => one === other) && begins(image.history, history, (one, other) => JSON.stringify(one) === JSON.stringify(other));
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTreeSync } from '#libs/linux/remove-tree.js';

/** What cannot be removed keeps nothing else there. Throws the first reason, in the end. */
export function removeAllIn({ directory }: { readonly directory: string }): void {
  const reasons: unknown[] = [];
  for (const name of readdirSync(directory)) {
    try {
      removeTreeSync(join(directory, name));
    } catch (error) {
      reasons.push(error);
    }
  }
  if (reasons.length > 0) throw reasons[0];
}

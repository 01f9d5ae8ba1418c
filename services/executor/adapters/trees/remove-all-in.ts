import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTreeSync } from '#libs/linux/remove-tree.js';

export function removeAllIn({ directory }: { readonly directory: string }): void {
  for (const name of readdirSync(directory)) removeTreeSync(join(directory, name));
}

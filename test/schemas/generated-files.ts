import { fileURLToPath } from 'node:url';
import { documents } from './documents.js';

/** What contracts/generated holds: path to text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map(Object.entries(documents()).map(([name, document]) => [fileURLToPath(new URL(`../../../contracts/generated/${name}`, import.meta.url)), `${JSON.stringify(document, undefined, 2)}\n`]));
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../setup/progress.mjs';

const LICENSE_FILE = /^(licen[sc]e|copying|notice)(\.(txt|md))?$/i;
const HEAD = `Berth is licensed under the Apache License, Version 2.0; on Debian systems its text is in /usr/share/common-licenses/Apache-2.0.

In /usr/lib/berth/node_modules are programs and libraries of others, unchanged. Below, each license stands once, under those that it is of.
`;

/** Debian's copyright file: Berth's own license, and those of the npm packages in `folders` and of Node, as they came with them. `repository`: above the folders. */
export function copyrightFile(repository, folders) {
  /** Names of packages by the text of their license. */
  const names = new Map();
  const add = (text, name) => names.set(text, [...(names.get(text) ?? []), name]);
  for (const folder of folders) {
    const { name, version, license = 'unknown' } = JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8'));
    // The package `node` only fetches the program.
    const texts = name === 'node' ? [nodeLicense(join(repository, folder))] : licenses(join(repository, folder));
    for (const text of texts.length > 0 ? texts : [`It came without a text; its package.json says: ${license}`]) add(text, `${name} ${version} (${license})`);
  }
  const sections = Array.from(names, ([text, of]) => `${'-'.repeat(80)}\n${of.toSorted().join('\n')}\n\n${text}\n`);
  return `${HEAD}\n${sections.toSorted().join('\n')}`;
}

const licenses = (folder) => readdirSync(folder).filter((name) => LICENSE_FILE.test(name)).sort().map((name) => readFileSync(join(folder, name), 'utf8').trim());

function nodeLicense(folder) {
  for (const platform of readdirSync(join(folder, 'node_modules')).filter((name) => name.startsWith('node-linux-'))) {
    const [text] = licenses(join(folder, 'node_modules', platform));
    if (text !== undefined) return text;
  }
  throw new SetupError(`Node's license is not in ${folder}/node_modules/node-linux-*`);
}

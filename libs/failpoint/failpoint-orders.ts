import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Arms a running process, so that a test need not restart it for each failpoint: on SIGUSR2 it reads `<directory>/<pid>.arm`. It answers with
 * `<pid>.armed`, a JSON object of the names met until then and how often. Before it crashes it writes the name of the place into `<pid>.crashed`:
 * returns what does that. A process that is started anew is armed with nothing.
 */
export function takeOrdersFrom(directory: string, arm: (specification: string) => void, met: () => ReadonlyMap<string, number>): (name: string) => void {
  const path = (kind: string): string => `${directory}/${process.pid}.${kind}`;
  process.on('SIGUSR2', () => {
    const answer = JSON.stringify(Object.fromEntries(met()));
    arm(readFileSync(path('arm'), 'utf8').trim());
    writeFileSync(path('answer'), answer);
    renameSync(path('answer'), path('armed'));
  });
  return (name) => writeFileSync(path('crashed'), name);
}

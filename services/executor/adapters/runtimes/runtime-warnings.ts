import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { installedPath } from './installed-runtimes.js';

const WITHIN_MS = 2_000;

/** What is known to be wrong with installed runtimes. A program is asked for its version once, and anew when another file has its place. */
export class RuntimeWarnings {
  private asked: { readonly file: string; readonly warnings: Promise<readonly string[]> } | undefined;

  constructor(private readonly pathOfRunc = (): string | undefined => installedPath('runc')) {}

  /** Nothing of a program that does not answer. */
  all(): Promise<readonly string[]> {
    const path = this.pathOfRunc();
    const facts = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    if (path === undefined || facts === undefined) return Promise.resolve([]);
    const file = `${path} ${facts.ino} ${facts.size} ${facts.mtimeMs}`;
    if (this.asked?.file !== file) this.asked = { file, warnings: versionOf(path).then((version) => runcWarnings(path, version)) };
    return this.asked.warnings;
  }
}

/** `text`: what it says of its version. Its packager may have mended it and kept the version, which nobody can tell. */
export function runcWarnings(path: string, text: string): readonly string[] {
  const [, said = '', major = '', minor = '', patch = '', candidate] = /^runc version ((\d+)\.(\d+)\.(\d+)(?:[-~]rc\.?(\d+))?)/.exec(text) ?? [];
  if (said === '') return [];
  // Mended in 1.1.14 and 1.2.0-rc.3.
  const version = [Number(major), Number(minor), Number(patch), candidate === undefined ? Infinity : Number(candidate)] as const;
  const mended = version[0] === 1 && version[1] === 1 ? ([1, 1, 14, 0] as const) : ([1, 2, 0, 3] as const);
  const at = mended.findIndex((number, place) => version[place] !== number);
  if (at < 0 || (version[at] ?? 0) > (mended[at] ?? 0)) return [];
  return [`WARNING: ${path} is version ${said}: with --runtime runc a container that swaps what another one mounts gets it to make empty files on the host (CVE-2024-45310, unless its packager has mended it; mended in 1.1.14)`];
}

const versionOf = (path: string): Promise<string> => new Promise((resolve) => execFile(path, ['--version'], { timeout: WITHIN_MS, killSignal: 'SIGKILL', cwd: '/', env: {} }, (_, said) => resolve(said)));

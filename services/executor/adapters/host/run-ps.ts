import { execFile } from 'node:child_process';
import { internal, unclassified } from '#libs/errors/errors.js';
import { LEADING_TITLE } from '../../domain/ps-table.js';

const LIMIT_BYTES = 16 * 1024 * 1024;
const DEADLINE_MS = 10_000;

/** What ps(1) printed. */
export interface Printed {
  readonly output: string;
  /** Its first column is a pid that nobody but this file asked for. */
  readonly leads: boolean;
}

/** What the host's ps(1) prints with these arguments of these processes, or of all where an argument does not go together with a choice (-q). */
export async function runPs(args: readonly string[], pids: readonly number[]): Promise<Printed> {
  return print([...args, `-q${pids.join(',')}`]).catch(() => print(args));
}

/** Columns that a client chose may lie about which process a row is of, so a pid leads them. Formats of ps's own go together with no other column; without an "o" there is no other. */
async function print(args: readonly string[]): Promise<Printed> {
  if (args.some((word) => /o/i.test(word))) {
    const output = await ps([`-opid=${LEADING_TITLE}`, ...args]).catch(() => '');
    // With that title alone, only its being there made it a choice.
    const [head = ''] = output.split('\n', 1);
    if (head.trim() !== '' && head.trim() !== LEADING_TITLE) return { output, leads: true };
  }
  return { output: await ps(args), leads: false };
}

/** Its own words are in English, as clients of dockerd know them. */
function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', [...args], { maxBuffer: LIMIT_BYTES, timeout: DEADLINE_MS, cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const [said = ''] = stderr.split('\n');
      reject(said === '' ? internal(`ps: ${error.message}`, error) : unclassified(`ps: ${said}`, error));
    });
  });
}

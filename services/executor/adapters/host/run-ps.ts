import { execFile } from 'node:child_process';
import { internal, invalid } from '#libs/errors/errors.js';

const LIMIT_BYTES = 16 * 1024 * 1024;
const DEADLINE_MS = 10_000;

/** What the host's ps(1) prints with these arguments of these processes, or of all where an argument does not go together with a choice (-q). */
export async function runPs(args: readonly string[], pids: readonly number[]): Promise<string> {
  return ps([...args, `-q${pids.join(',')}`]).catch(() => ps(args));
}

/** Its own words are in English, as clients of dockerd know them. */
function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', [...args], { maxBuffer: LIMIT_BYTES, timeout: DEADLINE_MS, cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' } }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const [said = ''] = stderr.split('\n');
      reject(said === '' ? internal(`ps: ${error.message}`, error) : invalid(`ps: ${said}`, error));
    });
  });
}

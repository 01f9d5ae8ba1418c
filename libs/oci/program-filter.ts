import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { invalid } from '#libs/errors/errors.js';

/** What Node does not read itself, by whom and of which package of Debian's it is read; nobody's memory without end. */
const PROGRAMS = {
  xz: { args: ['--decompress', '--stdout', '--quiet', '--format=xz', '--memlimit-decompress=512MiB'], packageName: 'xz-utils' },
  bzip2: { args: ['--decompress', '--stdout', '--quiet'], packageName: 'bzip2' },
} as const;

const NOBODY = 65_534;
const LONGEST_WORDS = 1024;

/** xz(1) or bzip2(1) as a stream, as dockerd has xz. It errs as invalid where the program is missing or does not like what it reads; destroying it ends the program. */
export function programFilter(name: keyof typeof PROGRAMS): Duplex {
  const { args, packageName } = PROGRAMS[name];
  // What it reads may be anybody's: it has no right that it does not need.
  const child = spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}) });
  const { stdin, stdout, stderr } = child;
  const filter = new Duplex({
    // That it reads no more is told by how it ends.
    write: (chunk, _encoding, done) => void stdin.write(chunk, () => done()),
    final: (done) => void stdin.end(() => done()),
    read: () => void stdout.resume(),
    destroy: (error, done) => {
      child.kill('SIGKILL');
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      done(error);
    },
  });
  let words = '';
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
  stdout.on('data', (chunk: Buffer) => void (filter.push(chunk) || stdout.pause()));
  stderr.on('data', (chunk: Buffer) => void (words = `${words}${chunk.toString()}`.slice(0, LONGEST_WORDS)));
  child.on('error', (error: NodeJS.ErrnoException) => {
    filter.destroy(invalid(error.code === 'ENOENT' ? `it is compressed with ${name}, which is not installed on this machine (package ${packageName})` : `${name} cannot be run: ${error.message}`, error));
  });
  child.on('close', (code, signal) => {
    if (code === 0) filter.push(null);
    else filter.destroy(invalid(words.trim() || `${name} ended with ${signal ?? code}`));
  });
  return filter;
}

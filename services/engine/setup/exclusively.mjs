import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `work` while no other process of this user does under the same name. The lock is a file in a folder that no other user can open, held by flock(1), which ends
 * with its input: the kernel gives it back even when we are killed.
 */
export async function exclusively(name, work) {
  const folder = process.getuid() === 0 ? '/run/berth-setup' : join(tmpdir(), `berth-setup-${process.getuid()}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, createHash('sha256').update(name).digest('hex').slice(0, 16));
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat > /dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((held, failed) => {
    holder.once('error', failed);
    holder.once('exit', (code) => failed(new Error(`flock ${file} ended with ${code}`)));
    holder.stdout.once('data', held);
  });
  try {
    return await work();
  } finally {
    holder.stdin.end();
    // Waited for: a caller that blocks next, as one that runs the tests does, would hold the lock for as long.
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
  }
}

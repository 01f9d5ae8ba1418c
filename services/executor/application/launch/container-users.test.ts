import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { TaskSecurity } from '#contracts/executor/tasks.js';
import { ContainerUsers } from './container-users.js';

const plain: TaskSecurity = { privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default' };

test.each([
  ['nothing', plain, 0],
  ['what it likes', { ...plain, capAdd: ['SYS_ADMIN'] }, 1],
])('the users of a container that can mount %s are read where nobody else has to wait', async (_what, security, threads) => {
  const running = spawn('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /etc && echo somebody:x:7:7::/: > /etc/passwd && echo none > /etc/group && echo ready && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const run = vi.fn(() => Promise.resolve({ passwd: 'somebody:x:7:7::/:', group: '' }));
  const apart = { of: () => ({ run, hold: vi.fn() }), close: () => Promise.resolve() };
  // All cgroups have this in their name.
  const wish = { container: '/', start: 1, user: 'somebody', security };
  try {
    await once(running.stdout, 'data');
    await new ContainerUsers(() => ({ pid: running.pid ?? 0, hasExited: false }), apart).check(wish);
    expect(run).toHaveBeenCalledTimes(threads);
  } finally {
    running.stdin.end();
    await once(running, 'exit');
  }
});

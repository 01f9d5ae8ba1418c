import { createServer } from 'node:net';

/**
 * Runs `work` while no other process does under the same name. An abstract unix socket is the lock: the kernel gives it back even when its
 * holder is killed; see unix(7).
 */
export async function exclusively(name, work) {
  const lock = createServer((socket) => socket.destroy());
  while (!(await listens(lock, `\0berth-lock:${name}`))) await new Promise((resolve) => setTimeout(resolve, 200));
  try {
    return await work();
  } finally {
    lock.close();
  }
}

function listens(server, path) {
  return new Promise((resolve, reject) => {
    const failed = (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error));
    server.once('error', failed);
    server.listen(path, () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

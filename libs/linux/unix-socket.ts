import type { Server } from 'node:net';

/** Listens at `path`, for its owner and group alone (0660), and from the first moment on: who changes the mode after bind(2) leaves the door open until then. */
export function listenAtPath(server: Server, path: string, onListening: () => void): void {
  const mask = process.umask(0o117);
  try {
    // It binds before it returns.
    server.listen(path, onListening);
  } finally {
    process.umask(mask);
  }
}

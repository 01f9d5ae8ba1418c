import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Two ends of a unix socket, each of which ends its own half alone: as a server has it, and as its client. */
export interface SocketPair {
  readonly ours: Socket;
  readonly theirs: Socket;
}

/** Makes pairs; what is made is gone with `close`. */
export class SocketPairs {
  private readonly directory = mkdtempSync(join(tmpdir(), 'berth-sockets-'));
  private readonly path = join(this.directory, 'socket');
  private readonly server = createServer({ allowHalfOpen: true }).listen(this.path);
  private readonly made: Socket[] = [];

  async next(): Promise<SocketPair> {
    if (!this.server.listening) await once(this.server, 'listening');
    const theirs = connect({ path: this.path, allowHalfOpen: true });
    const [ours] = (await once(this.server, 'connection')) as [Socket];
    this.made.push(ours, theirs);
    return { ours, theirs };
  }

  close(): void {
    for (const socket of this.made) socket.destroy();
    this.server.close();
    rmSync(this.directory, { recursive: true });
  }
}

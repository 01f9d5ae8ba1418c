import type { MessagePort } from 'node:worker_threads';

/** Chunks under way between two threads before the sender waits: twice as many are no faster. */
const CREDIT = 4;

type Message = { readonly chunk: Uint8Array } | { readonly end: true } | { readonly stop: true } | { readonly ack: true };

/** Bytes from one thread to another. The receiver's pace is the sender's: memory stays flat. */
export class ChunkSender {
  private underWay = 0;
  private waiting: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly port: MessagePort) {
    port.on('message', (message: Message) => {
      if ('stop' in message) this.stopped = true;
      else this.underWay--;
      this.waiting?.();
    });
    port.on('close', () => {
      this.stopped = true;
      this.waiting?.();
    });
  }

  /** Resolves when more may be sent. Rejects when the receiver wants no more. */
  async send(chunk: Uint8Array): Promise<void> {
    while (this.underWay >= CREDIT && !this.stopped) await new Promise<void>((resolve) => (this.waiting = resolve));
    if (this.stopped) throw new Error('nobody receives any more');
    this.underWay++;
    this.port.postMessage({ chunk });
  }

  /** The receiver closes the channel: a close from here would overtake what is under way. */
  end(): void {
    this.port.postMessage({ end: true });
  }
}

/** The other end. Ends where the sender did; one that ends without a word ends it, too: whether all is there is told beside it. */
export function received(port: MessagePort): AsyncGenerator<Buffer, void, void> {
  const queue: Message[] = [];
  let wake: (() => void) | undefined;
  port.on('message', (message: Message) => {
    queue.push(message);
    wake?.();
  });
  port.on('close', () => {
    queue.push({ end: true });
    wake?.();
  });
  const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
  return taken(port, queue, next);
}

async function* taken(port: MessagePort, queue: Message[], next: () => Promise<void>): AsyncGenerator<Buffer, void, void> {
  try {
    for (;;) {
      const message = queue.shift();
      if (message === undefined) await next();
      else if ('chunk' in message) {
        yield Buffer.from(message.chunk.buffer, message.chunk.byteOffset, message.chunk.byteLength);
        port.postMessage({ ack: true });
      } else return;
    }
  } finally {
    port.postMessage({ stop: true });
    port.close();
  }
}

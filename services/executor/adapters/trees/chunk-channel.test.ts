import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { ChunkSender, received } from './chunk-channel.js';

test('all that was sent before the end arrives, also at a receiver that begins later', async () => {
  const { port1, port2 } = new MessageChannel();
  const source = received(port1);
  const sender = new ChunkSender(port2);
  await sender.send(Buffer.from('one'));
  await sender.send(Buffer.from('two'));
  sender.end();
  const chunks: string[] = [];
  for await (const chunk of source) chunks.push(chunk.toString());
  expect(chunks).toEqual(['one', 'two']);
});

test('a sender waits for a receiver that is slow, and fails when it has left', async () => {
  const { port1, port2 } = new MessageChannel();
  const source = received(port1);
  const sender = new ChunkSender(port2);
  let sent = 0;
  const sending = (async () => {
    for (;;) {
      await sender.send(Buffer.from('x'));
      sent++;
    }
  })();
  const failed = expect(sending).rejects.toThrow('nobody receives any more');
  await source.next();
  await new Promise(setImmediate);
  expect(sent).toBeLessThan(20);
  await source.return();
  await failed;
});

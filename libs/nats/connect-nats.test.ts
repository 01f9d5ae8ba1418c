import { expect, test } from 'vitest';
import { freePort } from '../../test/engine/private-addresses.js';
import { patience } from '../../test/engine/patience.js';
import { FalseServer } from '../../test/fixtures/false-server.js';
import { connectNats } from './connect-nats.js';

const NOBODY = 65_534;

test('whoever has the port and is not the user that nats-server is hears no password', async () => {
  const port = await freePort();
  const stranger = await FalseServer.start(port, NOBODY);
  try {
    const greeted = (serverUid: number, pass: string): Promise<string> => connectNats({ servers: `127.0.0.1:${port}`, serverUid, user: 'executor', pass, reconnect: false }).then(() => 'connected', String);
    expect(await greeted(0, 'ours')).toContain(`is held by uid ${NOBODY}, not by nats-server (uid 0)`);
    await greeted(NOBODY, 'theirs');
    await expect.poll(() => stranger.heard.join(''), { timeout: patience(5_000) }).toContain('theirs');
    expect(stranger.heard.join('')).not.toContain('ours');
  } finally {
    await stranger.stop();
  }
}, patience(20_000));

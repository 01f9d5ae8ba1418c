import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { conflict, invalid } from '#libs/errors/errors.js';
import { answers, asked, endpoint, frame, happens, http, ID, useGateway, world } from './testing/gateway-world.js';

useGateway();

describe('a connection turned into a stream', () => {
  /** Sends `first` at once, `later` when the answer's head is there, which `onHead` is told, and gives all that came until the end. */
  function raw(first: string, later = '', onHead = (): void => undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const client = connect({ path: world.socket, allowHalfOpen: true });
      let got = '';
      client.on('data', (bytes) => {
        if (got === '' && later !== '') client.write(later);
        if (got === '') onHead();
        got += String(bytes);
      });
      client.on('end', () => (client.end(), resolve(got))).on('error', reject);
      client.write(first);
    });
  }

  const start = (path: string, body: string): string => `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  test.each([['', '\x10\x11', ''], ['ctrl-a,b', '\x10\x11\x01b', '\x10\x11']])('detach keys (%j) typed into a terminal end the client side and do not reach the command', async (detachKeys, typed, passed) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: true }));
    answers.set('containers.get-exec', () => ({ container: ID, config: { terminal: true, detachKeys } }));
    answers.set('containers.detach', () => ({ position: 1 }));
    let received = '';
    const gone = new Promise<void>((resolve) => {
      world.serve = (stream) => void stream.on('data', (bytes) => (received += String(bytes))).on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const answer = await raw(start('/v1.51/exec/e1/start', '{"Tty":true,"ConsoleSize":[24,80]}') + 'early', `ls${typed}`);
    await gone;
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/);
    expect(received).toBe(`earlyls${passed}`);
    expect(asked.find((one) => one.subject === 'containers.start-exec')?.data).toEqual({ exec: 'e1', detach: false, consoleSize: [24, 80] });
    expect(asked.find((one) => one.subject === 'containers.detach')?.data).toEqual({ container: ID, exec: 'e1' });
  });

  test('what cannot be attached is refused before the stream begins', async () => {
    answers.set('containers.attach', () => {
      throw conflict('container web is paused');
    });
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer).toContain('HTTP/1.1 409 ');
    expect(answer).toContain('{"message":"container web is paused"}');
  });

  test('a container removed before it starts ends the attach', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 9 }));
    setTimeout(() => happens({ type: 'ContainerRemoved', container: ID, at: new Date().toISOString() }), 200);
    expect(await raw(start('/v1.41/containers/web/attach?stream=1&stdout=1', ''))).toMatch(/Content-Type: application\/vnd\.docker\.raw-stream[^]*\r\n\r\n$/);
  });

  test('a client that ends what it sends at once, as one without input does, and leaves later is noticed, though nothing is printed', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: false, start: 1 }));
    const gone = new Promise<void>((resolve) => {
      world.serve = (stream) => void stream.resume().on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.end(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    await gone;
  });

  test.each(['Connection: Upgrade\r\nUpgrade: tcp', 'Connection: close'])('who waits for the end of a run hears of it after its last output has been sent to who is attached (%j)', async (connection) => {
    const order: string[] = [];
    const attached = Promise.withResolvers<() => void>();
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: false, start: 1 }));
    answers.set('containers.wait', async () => {
      setTimeout(await attached.promise, 50); // long enough for an answer that would come at once
      return { done: true, id: ID, exitCode: 0, error: '', startNumber: 1 };
    });
    world.serve = (stream) => attached.resolve(() => (order.push('output'), stream.end(frame(1, 'last words\n'))));
    const output = raw(start('/containers/web/attach?stream=1&stdout=1', '').replace(/Connection: Upgrade.*Upgrade: tcp/s, connection));
    const answer = await http('POST', '/containers/web/wait');
    order.push('wait');
    expect([await output, answer.text]).toEqual([expect.stringMatching(/last words\n$/), '{"StatusCode":0}\n']);
    expect(order).toEqual(['output', 'wait']);
  });

  test.each([true, false])('who is attached and cannot be given the stream is told so (terminal: %s)', async (terminal) => {
    answers.set('containers.attach', () => ({ path: join(world.folder, 'nobody-there'), ticket: 't', id: ID, terminal, waitForStart: false, start: 1 }));
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer).toMatch(terminal ? /\r\n\r\nno such stream\r\n$/ : /\r\n\r\n\x01\0\0\0\0\0\0\x10no such stream\r\n$/);
  });

  test('a client that leaves while it waits for a start gives its place back', async () => {
    const withdrawn = new Promise<unknown>((resolve) => answers.set('containers.withdraw-attach', (data) => (resolve(data), { withdrawn: true })));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 20 }));
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.end(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    expect(await withdrawn).toEqual({ container: ID, ticket: 't' });
  });

  test('where its start waits for it already, the stream of a client that left is opened and ended', async () => {
    const asked = new Promise<void>((resolve) => answers.set('containers.withdraw-attach', () => (resolve(), { withdrawn: false })));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, waitForStart: true, start: 21 }));
    const ended = new Promise<void>((resolve) => {
      world.serve = (stream) => void stream.resume().on('error', () => {}).on('end', () => (stream.end(), resolve()));
    });
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.write(start('/containers/web/attach?stream=1&stdout=1', ''));
    await once(client, 'data');
    client.destroy();
    await asked;
    happens({ type: 'ContainerStarted', container: ID, start: 21, pid: 1, at: new Date().toISOString() });
    await ended;
  });

  test('an attach to no stream is over at once', async () => {
    answers.set('containers.attach', () => ({ path: '', ticket: '', id: ID, terminal: false, openStdin: true, stdinOnce: false, waitForStart: false, start: 1 }));
    expect(await raw(start('/containers/web/attach?stream=1&stdout=0', ''))).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
    expect(asked.at(-1)?.data).toMatchObject({ stream: false });
  });

  test('where the container\'s input goes on, the attach is over when the client sends no more, and has been answered', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: false, openStdin: true, stdinOnce: false, waitForStart: false, start: 1 }));
    world.serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes))).on('error', () => {}).on('end', () => stream.write(`got ${typed}`));
    };
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.end(`${start('/containers/web/attach?stream=1&stdin=1&stdout=1', '')}typed`);
    let got = '';
    for await (const bytes of client) got += String(bytes);
    expect(got).toMatch(/\r\n\r\ngot typed$/);
  });

  test.each([
    ['a container that takes no input goes on', '/containers/web/attach?stream=1&stdin=1&stdout=1', { terminal: false, openStdin: false, stdinOnce: false }, 'open'],
    ['a terminal\'s is over', '/containers/web/attach?stream=1&stdin=1&stdout=1', { terminal: true, openStdin: true, stdinOnce: true }, 'end'],
    ['an input that ends with it goes on', '/containers/web/attach?stream=1&stdin=1&stdout=1', { terminal: false, openStdin: true, stdinOnce: true }, 'open'],
    ['an exec\'s terminal is over', '/exec/e1/start', { terminal: true, attachStdin: true, detachKeys: '' }, 'end'],
    ['an exec\'s terminal without input goes on', '/exec/e1/start', { terminal: true, attachStdin: false, detachKeys: '' }, 'open'],
    ['an exec without a terminal goes on', '/exec/e1/start', { terminal: false, attachStdin: true, detachKeys: '' }, 'open'],
  ])('when the client sends no more, %s', async (_what, path, facts, expected) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint() }));
    answers.set('containers.get-exec', () => ({ config: facts }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, ...facts, waitForStart: false, start: 1 }));
    // Longer than the last answer is waited for.
    world.serve = (stream) => void (stream.on('error', () => {}).resume(), setTimeout(() => stream.end('later'), 1500));
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.end(start(path, path.startsWith('/exec') ? '{}' : ''));
    let got = '';
    for await (const bytes of client) got += String(bytes);
    expect(got.endsWith('later') ? 'open' : 'end').toBe(expected);
  });

  test('four megabytes arrive whole at a slow reader', async () => {
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, waitForStart: false, start: 1 }));
    world.serve = (stream) => void stream.end('x'.repeat(4 << 20));
    const answer = await raw(start('/containers/web/attach?stream=1&stdout=1', ''));
    expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(4 << 20);
  });

  test.each([true, false])('an exec answers before it runs, and why it cannot run is its output (terminal: %s)', async (Tty) => {
    let fail = (): void => undefined;
    answers.set('containers.start-exec', () => new Promise((_, reject) => (fail = () => reject(invalid('no such program')))));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: '' } }));
    const answer = await raw(start('/v1.51/exec/e1/start', JSON.stringify({ Tty })), undefined, () => fail());
    expect(answer).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n/);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(Tty ? 'no such program\r\n' : '\x01\0\0\0\0\0\0\x11no such program\r\n');
  });

  test.each([[false, 'multiplexed', String(frame(1, 'hi\r\n'))], [true, 'raw', 'hi\r\n']])('a terminal\'s output is framed for who did not ask for one at the start (%s)', async (Tty, type, shown) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: true }));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: '' } }));
    world.serve = (stream) => void stream.end('hi\r\n');
    const answer = await raw(start('/v1.51/exec/e1/start', JSON.stringify({ Tty })));
    expect(answer).toContain(`vnd.docker.${type}-stream`);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(shown);
    const { text } = await http('POST', '/exec/e1/start', { Tty });
    expect(text).toBe(shown);
  });

  test('of what is framed who asks for a terminal at the start gets the bytes of stdout, whole though it reads slowly, and what it types arrives', async () => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: false }));
    answers.set('containers.get-exec', () => ({ config: { terminal: false } }));
    const piece = 'x'.repeat(60_000);
    world.serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes))).on('error', () => {}).on('end', () => {
        for (let round = 0; round < 50; round++) stream.write(frame(1, piece)), stream.write(frame(2, 'oh'));
        stream.end(frame(1, typed));
      });
    };
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.end(`${start('/v1.51/exec/e1/start', '{"Tty":true}')}typed`);
    let got = '';
    for await (const bytes of client) got += String(bytes);
    expect(got).toContain('vnd.docker.raw-stream');
    expect(got.slice(got.indexOf('\r\n\r\n') + 4) === `${piece.repeat(50)}typed`).toBe(true);
  });

  test.each(['/exec/e1/start', '/containers/web/attach?stream=1&stdin=1&stdout=1'])('what a client without an upgrade types goes to the process, and its end, too: %s', async (path) => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: true }));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: '' } }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, openStdin: true, stdinOnce: true, waitForStart: false, start: 1 }));
    world.serve = (stream) => {
      let typed = '';
      stream.on('data', (bytes) => (typed += String(bytes))).on('end', () => stream.end(`got ${typed}`)).write('ready');
    };
    const client = connect({ path: world.socket, allowHalfOpen: true });
    let got = '';
    client.on('data', (bytes) => {
      if (!got.includes('ready') && (got + String(bytes)).includes('ready')) client.end('GET / HTTP/1.1\r\n');
      got += String(bytes);
    });
    client.write(`POST ${path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"Tty":true}`);
    await once(client, 'end');
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n[^]*\r\n\r\nreadygot GET \/ HTTP\/1.1\r\n$/);
  });

  test.each(['/exec/e1/start', '/containers/web/attach?stream=1&stdin=1&stdout=1&detachKeys=ctrl-a,b'])('what a client without an upgrade types before the stream is there waits for it, and detach keys end it: %s', async (path) => {
    const begun = Promise.withResolvers<void>();
    answers.set('containers.start-exec', () => begun.promise.then(() => ({ endpoint: endpoint(), terminal: true })));
    answers.set('containers.get-exec', () => ({ config: { terminal: true, detachKeys: 'ctrl-a,b' } }));
    answers.set('containers.attach', () => ({ ...endpoint(), id: ID, terminal: true, openStdin: true, stdinOnce: true, waitForStart: true, start: 30 }));
    const noted = new Promise<unknown>((resolve) => answers.set('containers.detach', (data) => (resolve(data), { position: 1 })));
    let received = '';
    const gone = new Promise<void>((resolve) => {
      world.serve = (stream) => void stream.on('data', (bytes) => (received += String(bytes))).on('error', () => {}).on('end', () => (stream.end(), resolve())).write('ready');
    });
    const starts = (): void => {
      begun.resolve();
      happens({ type: 'ContainerStarted', container: ID, start: 30, pid: 1, at: new Date().toISOString() });
    };
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.write(`POST ${path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"Tty":true}`);
    let got = '';
    for await (const bytes of client) {
      if (got === '') client.write('ls\nGET / HTTP/1.1\r\n\r\n', () => setTimeout(starts, 100));
      got += String(bytes);
      if (got.endsWith('ready')) client.write('id\n\x01b');
    }
    await gone;
    if (path.startsWith('/containers')) expect(await noted).toMatchObject({ container: ID });
    expect(received).toBe('ls\nGET / HTTP/1.1\r\n\r\nid\n');
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nready$/);
  });

  test('what comes into an answer that has begun, and is no request, leaves it as it is', async () => {
    answers.set('containers.logs', () => ({ ...endpoint(), terminal: true }));
    let printed = (): void => undefined;
    world.serve = (stream) => {
      stream.write('begun');
      printed = () => void stream.end(' done');
    };
    const client = connect({ path: world.socket, allowHalfOpen: true });
    client.write('GET /containers/web/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n');
    let got = '';
    for await (const bytes of client) {
      if (!got.includes('begun') && (got + String(bytes)).includes('begun')) client.write('hello\r\n', () => setTimeout(printed, 100));
      got += String(bytes);
    }
    expect(got.slice(got.indexOf('\r\n\r\n') + 4)).toBe('5\r\nbegun\r\n5\r\n done\r\n0\r\n\r\n');
  });

  test('a client without an upgrade reads the stream as the body', async () => {
    answers.set('containers.start-exec', () => ({ endpoint: endpoint(), terminal: false }));
    answers.set('containers.get-exec', () => ({ config: { terminal: false } }));
    world.serve = (stream) => void stream.end(frame(1, 'hi'));
    const { headers, text } = await http('POST', '/v1.45/exec/e1/start', { Detach: false });
    expect([headers['content-type'], text.slice(8)]).toEqual(['application/vnd.docker.raw-stream', 'hi']);
  });
});

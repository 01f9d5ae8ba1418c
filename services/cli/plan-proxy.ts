import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WouldAppend } from '#contracts/request.js';

/** One request of the client, and what would come of it. `undecided`: it is about something that only the plan knows. */
export interface PlannedRequest {
  readonly method: string;
  /** Without the API's version and the query. */
  readonly path: string;
  readonly events: readonly WouldAppend[];
  readonly undecided?: true;
  /** Why the engine would not do it. */
  readonly refused?: string;
}

/** Of what would be made: to be as large as the client's terminal, and to be waited for, which every `docker run` asks for, changes nothing. */
const NO_CHANGE = /\/(resize|wait)$/;
const READS = new Set(['GET', 'HEAD']);
const ONLY_PLANNED = { message: 'only planned' };
/** Reads of which the log tells: `docker top`, `export`, `cp` and `save`. */
const TOLD_READS = /^\/(containers\/[^/]+\/(top|export|archive)|images\/(.+\/)?get)$/;

/** Who waits would wait for what is only planned, as `docker start --attach` does: of what is there, the end is told at once. */
const WAIT = /(\/containers\/[^/]+)\/wait(\?.*)?$/;
const ENDED = JSON.stringify({ StatusCode: 0 });

/**
 * A socket between a Docker client and the engine. What only reads passes; what changes is asked of the engine as a dry run, and the client is told that it was done, so that it
 * goes on to its next request. Nothing changes, nor is anything read of which the log would tell. One `listen`, then `close`.
 */
export class PlanProxy {
  readonly requests: PlannedRequest[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'berth-plan-'));
  readonly socketPath = join(this.folder, 'docker.sock');
  private readonly server: Server;
  /** Ids of what would be made. */
  private readonly made = new Set<string>();
  private hasPulled = false;
  /** What was refused for want of an image. */
  private missing: PlannedRequest | undefined;

  constructor(private readonly engineSocket: string) {
    this.server = createServer((asked, reply) => this.answer(asked, reply));
    // Attaching to what does not exist: the stream is over at once.
    this.server.on('upgrade', (asked, socket) => {
      this.note(asked);
      socket.end('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => this.server.once('error', reject).listen(this.socketPath, resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private answer(asked: IncomingMessage, reply: ServerResponse): void {
    const method = asked.method ?? 'GET';
    if (this.isMade(asked)) {
      asked.resume();
      if (!READS.has(method) && !NO_CHANGE.test(pathOf(asked))) this.note(asked);
      const { status, body } = /\/wait$/.test(pathOf(asked)) ? { status: 200, body: { StatusCode: 0 } } : READS.has(method) ? { status: 404, body: ONLY_PLANNED } : { status: 204, body: undefined };
      return send(reply, status, body);
    }
    // Kept open after the answer: a server that closes may do so before the end of what is sent is written, and the write's EPIPE would stand for the answer.
    const passes = READS.has(method) && !(method === 'GET' && TOLD_READS.test(pathOf(asked)));
    const headers = { ...asked.headers, connection: 'keep-alive', ...(passes ? {} : { 'berth-dry-run': '1' }) };
    const waits = method === 'POST' && WAIT.test(asked.url ?? '');
    const question = waits ? { method: 'GET', path: asked.url?.replace(WAIT, '$1/json') } : { method, path: asked.url };
    const onward = request({ socketPath: this.engineSocket, ...question, headers, agent: false }, (answer) => {
      if (passes) {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
        return;
      }
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => this.decided(asked, answer.statusCode ?? 502, waits && answer.statusCode === 200 ? ENDED : text, reply));
    });
    onward.on('error', (error) => send(reply, 503, { message: error.message }));
    reply.on('close', () => onward.destroy());
    asked.pipe(onward);
  }

  /**
   * Of an image that is not there the client pulls, and asks again: what it was refused for is part of its way then, and what follows is decided when the image is there.
   * True where that is the answer.
   */
  private followsPull(asked: IncomingMessage, path: string, status: number, message: string, reply: ServerResponse): boolean {
    if (path !== '/containers/create' || status !== 404 || !/^No such image/.test(message)) return false;
    if (!this.hasPulled) {
      this.missing = { method: asked.method ?? '', path, events: [], refused: message };
      this.requests.push(this.missing);
      send(reply, status, { message });
      return true;
    }
    const id = randomBytes(32).toString('hex');
    this.made.add(id);
    this.note(asked);
    send(reply, 201, { Id: id, Warnings: [] });
    return true;
  }

  private decided(asked: IncomingMessage, status: number, text: string, reply: ServerResponse): void {
    const [method, path] = [asked.method ?? '', pathOf(asked)];
    const body = parsed(text);
    const events = body['events'];
    if (status !== 200 || !Array.isArray(events)) {
      const message = typeof body['message'] === 'string' ? body['message'] : text;
      if (this.followsPull(asked, path, status, message, reply)) return;
      this.requests.push({ method, path, events: [], ...(status >= 400 ? { refused: message } : {}) });
      return send(reply, status, status === 204 || status === 304 ? undefined : body);
    }
    const planned = events as readonly WouldAppend[]; // the engine's own, of contracts/request.ts
    if (path === '/images/create') {
      this.hasPulled = true;
      if (this.missing) this.requests.splice(this.requests.indexOf(this.missing), 1);
      this.missing = undefined;
    }
    this.requests.push({ method, path, events: planned });
    if (READS.has(method)) return send(reply, 404, ONLY_PLANNED);
    const { status: told, body: answer } = this.asIfDone(path, planned);
    send(reply, told, answer);
  }

  /** What the client would read, where it goes on with it. */
  private asIfDone(path: string, events: readonly WouldAppend[]): { status: number; body?: object } {
    const field = (type: string, name: string): string => String((events.find((event) => event.type === type)?.data as Record<string, unknown> | undefined)?.[name] ?? '');
    const ids: Readonly<Record<string, string>> = { container: field('ContainerCreated', 'container'), exec: field('ExecCreated', 'exec') };
    for (const id of Object.values(ids)) if (id !== '') this.made.add(id);
    if (path === '/containers/create') return { status: 201, body: { Id: ids['container'], Warnings: [] } };
    if (/^\/containers\/[^/]+\/exec$/.test(path)) return { status: 201, body: { Id: ids['exec'] } };
    if (path === '/volumes/create') return { status: 201, body: { Name: field('VolumeCreated', 'name') } };
    if (path.endsWith('/prune')) return { status: 200, body: { SpaceReclaimed: 0 } };
    if (path === '/images/create') return { status: 200 };
    if (path.startsWith('/images/')) return { status: path.endsWith('/tag') ? 201 : 200, body: [] };
    return path.endsWith('/update') ? { status: 200, body: { Warnings: null } } : { status: 204 };
  }

  private isMade(asked: IncomingMessage): boolean {
    const id = pathOf(asked).split('/')[2] ?? '';
    return this.made.has(id);
  }

  private note(asked: IncomingMessage): void {
    this.requests.push({ method: asked.method ?? '', path: pathOf(asked), events: [], undecided: true });
  }
}

const pathOf = ({ url = '/' }: IncomingMessage): string => (url.split('?')[0] ?? '/').replace(/^\/v\d+\.\d+(?=\/)/, '');

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function send(reply: ServerResponse, status: number, body: object | undefined): void {
  reply.writeHead(status, body === undefined ? {} : { 'content-type': 'application/json' });
  reply.end(body === undefined ? undefined : JSON.stringify(body));
}

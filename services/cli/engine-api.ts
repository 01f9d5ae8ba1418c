import { request, type IncomingMessage } from 'node:http';
import { BerthError, type ErrorKind, unavailable } from '#libs/errors/errors.js';

const KINDS: Readonly<Record<number, ErrorKind>> = { 400: 'invalid', 401: 'unauthorized', 403: 'forbidden', 404: 'not-found', 409: 'conflict', 501: 'not-implemented', 503: 'unavailable' };

/**
 * The engine over its socket. The CLI needs the rights on that socket and no others: it knows neither the bus nor a password, and shows what any other
 * client of the API can see.
 */
export class EngineApi {
  constructor(private readonly socketPath: string) {}

  /** The JSON answer. Rejects with a BerthError of the kind that the status stands for; unavailable when nobody answers. */
  get<Reply>(path: string): Promise<Reply> {
    return this.json(path, 'GET');
  }

  /** The same of a change; `body` goes as JSON. */
  post<Reply>(path: string, body?: object): Promise<Reply> {
    return this.json(path, 'POST', body);
  }

  delete<Reply>(path: string): Promise<Reply> {
    return this.json(path, 'DELETE');
  }

  /** Calls `onLine` for each line of the answer, as it comes. Resolves at its end; rejects as unavailable when it is cut off. */
  async lines(path: string, onLine: (line: string) => void, abort: AbortSignal): Promise<void> {
    const answer = await this.open(path, 'GET', undefined, abort);
    let rest = '';
    try {
      for await (const bytes of answer.setEncoding('utf8')) {
        const lines = (rest + String(bytes)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line);
      }
    } catch (error) {
      if (!abort.aborted) throw cutOff(error);
    }
  }

  private async json<Reply>(path: string, method: string, content?: object): Promise<Reply> {
    const answer = await this.open(path, method, content);
    let body = '';
    try {
      for await (const text of answer.setEncoding('utf8')) body += String(text);
    } catch (error) {
      throw cutOff(error);
    }
    return JSON.parse(body) as Reply; // the engine's own, of contracts/gateway
  }

  private open(path: string, method: string, content?: object, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.socketPath, path, method, agent: false, ...(content === undefined ? {} : { headers: { 'content-type': 'application/json' } }), ...(signal === undefined ? {} : { signal }) }, (answer) => {
        if (answer.statusCode === 200) return resolve(answer);
        let body = '';
        answer.setEncoding('utf8').on('data', (text: string) => (body += text));
        answer.on('end', () => reject(new BerthError(KINDS[answer.statusCode ?? 500] ?? 'internal', messageOf(body))));
        answer.on('error', (error) => reject(cutOff(error)));
      });
      outgoing.on('error', (error) => reject(unavailable(`the engine does not answer on ${this.socketPath}: ${error.message}. Does it run, and may you use its socket?`, error)));
      outgoing.end(content === undefined ? undefined : JSON.stringify(content));
    });
  }
}

const cutOff = (error: unknown): BerthError => unavailable('the engine closed the connection', error);

function messageOf(body: string): string {
  try {
    return String((JSON.parse(body) as { readonly message?: unknown }).message);
  } catch {
    return body;
  }
}

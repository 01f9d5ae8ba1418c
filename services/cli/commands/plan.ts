import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { BerthError, invalid } from '#libs/errors/errors.js';
import { type Command, exitCodes } from '../command.js';
import { PlanProxy, type PlannedRequest } from '../plan-proxy.js';
import { shortDetails } from '../short-details.js';
import { printable, textTable } from '../text-table.js';

interface Client {
  readonly code: number;
  /** The end of its words. */
  readonly stderr: string;
}

/** What a client says that is to have a terminal and has none, before it asks for anything that changes: what it would ask for with one is the same. */
const NO_TERMINAL = /is not a (TTY|terminal)/;
/** Of the client's own words, what is shown. */
const SHOWN_STDERR = 4096;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * `berth plan -- docker run …`: which events the engine would append, and no effects. The real client reads its command line; what it asks of the engine is tried.
 * Exit code 1 when the engine would refuse.
 */
export const plan: Command = async ({ socket, behind, options, print }) => {
  const [program = '', ...args] = behind;
  if (basename(program) !== 'docker' || args.length === 0) throw invalid('usage: berth plan -- docker COMMAND…');
  const plain = await planned(socket, (engine) => commandLine(program, args, engine));
  const { client, requests } = NO_TERMINAL.test(plain.client.stderr) ? await planned(socket, (engine) => onTerminal(commandLine(program, args, engine))) : plain;
  const refused = requests.some(({ refused }) => refused !== undefined) || (requests.length === 0 && client.code !== 0);
  if (options.json) print(JSON.stringify({ requests, refused }));
  else print(requests.length === 0 ? (refused ? client.stderr.trim().split('\n').map(printable).join('\n') : 'nothing would change') : requests.map(told).join('\n\n'));
  return refused ? exitCodes.no : exitCodes.ok;
};

/** What a client asks for that `command` starts before an engine's socket. */
async function planned(socket: string, command: (engine: string) => readonly string[]): Promise<{ readonly client: Client; readonly requests: readonly PlannedRequest[] }> {
  const proxy = new PlanProxy(socket);
  let running: ChildProcess | undefined;
  // Who ends this ends the client, too, and finds no folder left.
  const end = (signal: NodeJS.Signals): void => {
    running?.kill(signal);
    proxy.close();
    process.kill(process.pid, signal);
  };
  for (const signal of ENDING) process.once(signal, end);
  try {
    await proxy.listen();
    running = start(command(proxy.socketPath), proxy.socketPath);
    return { client: await ended(running), requests: proxy.requests };
  } finally {
    for (const signal of ENDING) process.off(signal, end);
    proxy.close();
  }
}

function told({ method, path, events, undecided, refused }: PlannedRequest): string {
  const head = `${method} ${printable(path)}`;
  if (refused !== undefined) return `${head}\nwould be refused: ${printable(refused)}`;
  if (undecided) return `${head}\nfollows; what comes of it is decided when the above is there`;
  if (events.length === 0) return `${head}\nwould change nothing`;
  const rows = events.map(({ subject, type, data }) => [type, shortSubject(subject), shortDetails(data as Record<string, unknown>)]);
  const missing = events.flatMap(({ type, data }) => (type === 'ImageAdded' ? missingLayers(data as Record<string, unknown>) : []));
  return [head, textTable(['EVENT', 'OF', 'DETAILS'], rows), ...missing].join('\n');
}

/** Of an image that would be pulled: what there is to fetch. A layer that is here tells the bytes of its files. */
function missingLayers({ layers, origin }: Readonly<Record<string, unknown>>): readonly string[] {
  if (origin !== 'pull') return [];
  const all = layers as readonly { readonly sizeBytes: number; readonly unpackedBytes?: number }[]; // as ImageAdded has them
  const missing = all.filter(({ unpackedBytes }) => unpackedBytes === undefined);
  return missing.length === 0 ? [] : [`${missing.length} of ${all.length} layers would be fetched: ${missing.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)} bytes`];
}

/** "container 0123456789ab" of berth.event.container.0123… */
function shortSubject(subject: string): string {
  const [, , kind = '', ...id] = subject.split('.');
  const whole = id.join('.');
  return `${kind} ${/^[0-9a-f]{64}$/.test(whole) ? whole.slice(0, 12) : whole}`;
}

/** As its first option too: a --host or --context of the command line outranks the environment, and the client refuses two. */
const commandLine = (program: string, args: readonly string[], socketPath: string): readonly string[] => [program, '--host', `unix://${socketPath}`, ...args];

/** On a terminal of its own, by script(1), whose input is at its end. Its words then are what would be shown there. */
const onTerminal = (command: readonly string[]): readonly string[] => ['script', '--quiet', '--return', '--command', `exec ${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')}`, '/dev/null'];

function start([program = '', ...args]: readonly string[], socketPath: string): ChildProcess {
  const { DOCKER_CONTEXT: _context, DOCKER_TLS_VERIFY: _tls, ...env } = process.env;
  return spawn(program, args, { env: { ...env, SHELL: '/bin/sh', DOCKER_HOST: `unix://${socketPath}` }, stdio: ['ignore', 'ignore', 'pipe'] });
}

function ended(client: ChildProcess): Promise<Client> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    client.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-SHOWN_STDERR)));
    client.on('error', (error) => reject(new BerthError('not-found', `cannot run ${client.spawnfile}: ${error.message}`, { cause: error })));
    client.on('close', (code) => resolve({ code: code ?? 1, stderr }));
  });
}

import { invalid } from '#libs/errors/errors.js';

const HIGHEST = 65_535;
const PROTOCOLS = ['tcp', 'udp', 'sctp'];

/** "80", "53/udp", "81-83/tcp" as "80/tcp" and so on, one each. What goes before a colon is the host's, of which an image knows nothing. Throws invalid in Docker's words. */
export function exposedPorts(texts: readonly string[]): readonly string[] {
  const ports: string[] = [];
  for (const text of texts) {
    for (const port of portsOf(text)) ports.push(port);
    if (ports.length > (HIGHEST + 1) * PROTOCOLS.length) throw invalid('more ports are exposed than there are');
  }
  return ports;
}

function portsOf(text: string): readonly string[] {
  const [, host, container = ''] = /^(?:(.*):)?([^:]*)$/s.exec(text) ?? [];
  const [range = '', protocol = ''] = container.split('/');
  if (range === '') throw invalid(`No port specified: ${text}<empty>`);
  if (host !== undefined && !isRange(host.slice(host.lastIndexOf(':') + 1), true)) throw invalid(`Invalid hostPort: ${host}`);
  if (!isRange(range, false)) throw invalid(`Invalid containerPort: ${range}`);
  const name = (protocol || 'tcp').toLowerCase();
  if (!PROTOCOLS.includes(name)) throw invalid(`Invalid proto: ${protocol}`);
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${name}`);
}

function isRange(text: string, mayBeNone: boolean): boolean {
  if (text === '') return mayBeNone;
  const [, first = '', last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  return first !== '' && Number(last) <= HIGHEST && Number(first) <= Number(last);
}

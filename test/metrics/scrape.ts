import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The text of one page of an engine's metrics port. Rejects on any status but 200. */
export function scrape(port: number, path = '/metrics', accept = 'text/plain'): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { accept } }, (answer) => {
      text(answer).then((body) => (answer.statusCode === 200 ? resolve(body) : reject(new Error(`${path}: ${answer.statusCode} ${body}`))), reject);
    })
      .on('error', reject)
      .end();
  });
}

/** Starts a container as a client does that takes part in a trace. */
export function startInTrace(socketPath: string, container: string, traceId: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { traceparent: `00-${traceId}-${'1'.repeat(16)}-01` };
    request({ socketPath, path: `/containers/${container}/start`, method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

/** A page's samples, comments and exemplars left out. */
export function samplesOf(page: string): Sample[] {
  return page.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*?)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = Array.from(labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, key = '', text = '']) => [key, text] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: value === '+Inf' ? Infinity : Number(value) }];
  });
}

/** The one sample of `name` that has these labels, among others. Throws when there is none, or more than one. */
export function valueOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const found = samples.filter((sample) => sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text));
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} samples of ${name}${JSON.stringify(labels)}`);
  return found[0].value;
}

/** Name, type and label names of each family of these pages, one line each, sorted: what dashboards depend on. Labels that an allow list shows are left out. */
export function familiesOf(...pages: readonly string[]): string[] {
  const page = pages.join('');
  const types = new Map(Array.from(page.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [name, type]));
  const labels = new Map<string, Set<string>>();
  for (const sample of samplesOf(page)) {
    const name = types.has(sample.name) ? sample.name : sample.name.replace(/_(bucket|sum|count)$/, '');
    const known = labels.get(name) ?? new Set();
    // Its samples are the requests that are under way: often none.
    if (name === 'nodejs_active_requests') continue;
    for (const label of Object.keys(sample.labels)) if (label !== 'le' && !label.startsWith('container_label_')) known.add(label);
    labels.set(name, known);
  }
  return Array.from(types, ([name, type]) => `${name} ${type} {${[...(labels.get(name) ?? [])].sort().join(',')}}`).sort();
}

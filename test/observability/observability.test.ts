import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

/** Tests run compiled: from dist/test/observability up to the sources. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
const PROMETHEUS = join(ROOT, 'observability', 'prometheus');
const DASHBOARDS = join(ROOT, 'observability', 'grafana', 'dashboards');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
  readonly annotations: { readonly list: readonly { readonly expr?: string; readonly useValueForTime?: boolean }[] };
}

const dashboards = readdirSync(DASHBOARDS).map((file) => ({ file, board: JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8')) as Dashboard }));
const rules = readdirSync(join(PROMETHEUS, 'rules')).map((file) => ({ file, text: readFileSync(join(PROMETHEUS, 'rules', file), 'utf8') }));

const exported = new Map(
  readFileSync(join(ROOT, 'test', 'metrics', 'families.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ') as [name: string, type: string, labels: string])
    .map(([name, type]) => [name, type]),
);
const recorded = new Set(rules.flatMap(({ text }) => Array.from(text.matchAll(/record: (\S+)/g), ([, name]) => name ?? '')));

/** Names of series in an expression; what follows `by`, and labels, begin otherwise or have no underscore. */
const seriesOf = (expression: string): string[] => expression.match(/\b(?:berth|engine_daemon|builder|container|machine|cadvisor|kube|podman)[_:][a-z0-9_:]+/g) ?? [];

const isThere = (name: string): boolean => recorded.has(name) || exported.has(name) || exported.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram';

function expressionsOf(board: Dashboard): string[] {
  return [
    ...board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...board.templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query)),
    ...board.annotations.list.map(({ expr = '' }) => expr),
  ];
}

test.each(dashboards)('$file asks for series that there are', ({ board }) => {
  const asked = expressionsOf(board).flatMap(seriesOf);
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((name) => !isThere(name))).toEqual([]);
});

// A window as short as Grafana's step has one sample in it, and a first exit has none before it: changes() sees neither.
test.each(dashboards)('$file marks exits when they were, the first of a container as well', ({ board }) =>
  expect(board.annotations.list.map(({ expr, useValueForTime }) => ({ expr, useValueForTime }))).toEqual([{ expr: 'berth_container_last_exit_timestamp_seconds{instance=~"$instance"} * 1000', useValueForTime: true }]));

test.each(rules)('$file asks for series that there are', ({ text }) => {
  const asked = text.split('\n').filter((line) => !line.trim().startsWith('#')).flatMap(seriesOf);
  expect(asked.filter((name) => !isThere(name))).toEqual([]);
});

test('dashboards and panels can be told apart', () => {
  expect(new Set(dashboards.map(({ board }) => board.uid)).size).toBe(dashboards.length);
  for (const { file, board } of dashboards) expect(new Set(board.panels.map(({ id }) => id)).size, file).toBe(board.panels.length);
});

test('the collector listens where README.md has traces sent, and its pipeline is of parts that are there', () => {
  interface Collector {
    readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } };
    readonly service: { readonly pipelines: { readonly traces: Readonly<Record<'receivers' | 'processors' | 'exporters', readonly string[]>> } };
  }
  const collector = parse(readFileSync(join(ROOT, 'observability/otel/collector.yml'), 'utf8')) as Collector & Readonly<Record<string, object>>;
  const [, port] = /OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/[^:]+:(\d+)/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
  expect(collector.receivers.otlp.protocols.http.endpoint.split(':')[1]).toBe(port);
  for (const [part, names] of Object.entries(collector.service.pipelines.traces)) for (const name of names) expect(collector[part], part).toHaveProperty(name);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const promtool = (...words: string[]): { readonly status: number | null; readonly said: string } => {
  const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: PROMETHEUS, encoding: 'utf8' });
  return { status, said: stdout + stderr };
};

test.runIf(hasPromtool)('Prometheus reads the configuration and the rules', () => {
  const { status, said } = promtool('check', 'config', 'prometheus.yml');
  expect(status, said).toBe(0);
});

test.runIf(hasPromtool).each(readdirSync(join(PROMETHEUS, 'tests')))('%s', (file) => {
  const { status, said } = promtool('test', 'rules', join('tests', file));
  expect(status, said).toBe(0);
});

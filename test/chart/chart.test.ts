import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { TestNatsServer } from '#libs/event-store/testing/nats-server.js';
import { BUS_USERS } from '#libs/messaging/permissions.js';
import { readLogLimit } from '#libs/settings/log-limit.js';
import { SERVICES } from '#libs/settings/services.js';
import { SETTINGS } from '#libs/settings/setting-table.js';
import { refused } from '../credentials/refused.js';
import { chartNatsConf, NATS_CONF } from './nats-conf.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CHART = join(ROOT, 'charts', 'berth');
const read = (path: string): string => readFileSync(join(CHART, path), 'utf8');
const templates = readdirSync(join(CHART, 'templates')).map((name): [name: string, text: string] => [name, read(`templates/${name}`)]);
const values = parse(read('values.yaml')) as { readonly accounts: Readonly<Record<string, number>>; readonly resources: Readonly<Record<string, unknown>>; readonly [name: string]: unknown };

/** Each NATS_PASSWORD_<USER> of the chart's nats.conf, as its Secret makes them. */
const passwords = Object.fromEntries(BUS_USERS.map((user) => [`NATS_PASSWORD_${user.toUpperCase()}`, `b0e1${user}`]));
const nats = values['nats'] as { readonly storage: string; readonly logLimit: string };

let server: TestNatsServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-chart-'));
  const configuration = read('files/nats.conf').replaceAll(/\$NATS_PASSWORD_\w+/g, (variable) => `"${passwords[variable.slice(1)] ?? ''}"`);
  server = await TestNatsServer.start({ configuration: configuration.slice(configuration.indexOf('authorization {')) });
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('every setting that a template makes is one that the engine reads', () => {
  const made = templates.flatMap(([name, text]) => Array.from(text.matchAll(/^\s*(?:- name: )?(BERTH_[A-Z_]+)\b/gm), ([, variable = '']) => `${name} ${variable}`));
  expect(made.length).toBeGreaterThan(8);
  expect(made.filter((line) => !Object.hasOwn(SETTINGS, line.split(' ')[1] ?? ''))).toEqual([]);
});

test("no pod has the variables that Kubernetes makes of Services: BERTH_NATS_PORT=tcp://… of a release called berth", () => {
  const pods = templates.filter(([, text]) => /^ {4}spec:$/m.test(text));
  expect(pods.length).toBe(3);
  expect(pods.filter(([, text]) => !/^ {6}enableServiceLinks: false$/m.test(text)).map(([name]) => name)).toEqual([]);
});

test('each service has a pod, an entry point and a user; each program that a pod starts is there', () => {
  const text = templates.map(([, template]) => template).join('\n');
  const list = SERVICES.map((service) => `"${service}"`).join(' ');
  expect(text).toContain(`range $name := list ${list}`);
  for (const service of SERVICES) {
    expect(existsSync(join(ROOT, 'dist/bundled/services', `${service}.js`))).toBe(true);
    expect(values.accounts[service]).toBeGreaterThan(0);
  }
  const programs = Array.from(text.matchAll(/dist\/[\w/{}. $]+\.js/g), ([path]) => path);
  expect(programs.length).toBe(3);
  for (const program of programs) expect(existsSync(join(ROOT, program.replace('{{ $name }}', 'gateway'))), program).toBe(true);
});

test("the image's users have the numbers that pods run as", () => {
  const made = Object.fromEntries(Array.from(read('Containerfile').matchAll(/useradd .*--uid (\d+) .* berth(?:-(\w+))?(?: |$)/gm), ([, uid, service = 'berth']) => [service, Number(uid)]));
  const { nats: _nats, ...services } = made;
  expect(services).toEqual(values.accounts);
});

test('all pods are on the one node', () => {
  const workloads = templates.flatMap(([name, text]) => text.split(/^---$/m).filter((document) => /^kind: (Deployment|DaemonSet|StatefulSet)$/m.test(document)).map((document) => ({ name, document })));
  expect(workloads.map(({ name }) => name).toSorted()).toEqual(['executor.yaml', 'nats.yaml', 'services.yaml']);
  for (const { name, document } of workloads) expect(document, name).toMatch(/^ {6}nodeSelector:\n {8}\{\{- include "berth\.node" [$.] \| nindent 8 \}\}$/m);
});

test('the image has what the package only recommends, and the executor the kernel files of AppArmor', () => {
  const [, recommended = ''] = /^Recommends: (.*)$/m.exec(readFileSync(join(ROOT, 'services/engine/package/debian/control.mjs'), 'utf8')) ?? [];
  const installed = /apt-get install .*/.exec(read('Containerfile'))?.[0].split(' ') ?? [];
  for (const name of ['apparmor', ...recommended.split(', ')]) expect(installed).toContain(name);
  expect(read('templates/executor.yaml')).toMatch(/- name: security\n {14}mountPath: \/sys\/kernel\/security\n[^]*- name: security\n {10}hostPath:\n {12}path: \/sys\/kernel\/security\n/);
});

test('numbers of seven digits, which Helm has as floats, are written out: not as 1e+06', () => {
  expect(read('templates/settings.yaml')).toContain('{{ if kindIs "float64" $value }}{{ toJson $value | quote }}{{ else }}{{ $value | quote }}{{ end }}');
  const uids = templates.flatMap(([, text]) => Array.from(text.matchAll(/\{\{ [^}]*\.Values\.accounts[^}]*\}\}/g), ([use]) => use));
  expect(uids).toHaveLength(4);
  expect(uids.filter((use) => !use.endsWith(' | int64 }}'))).toEqual([]);
});

test('each page of metrics is a Service, found by annotations and by a ServiceMonitor, with the job that rules ask for', () => {
  const text = read('templates/gateway-service.yaml');
  const jobs = parse(readFileSync(join(ROOT, 'observability/prometheus/prometheus.yml'), 'utf8')) as { readonly scrape_configs: readonly { readonly job_name: string; readonly metrics_path: string }[] };
  expect(text).toContain(`range $job, $path := dict ${jobs.scrape_configs.map(({ job_name, metrics_path }) => `"${job_name}" "${metrics_path}"`).join(' ')} }}`);
  const [services = '', monitors = ''] = text.split('{{- if $.Values.serviceMonitors.enabled }}');
  for (const line of ['prometheus.io/job: {{ $job }}', 'prometheus.io/path: {{ $path }}']) expect(services).toContain(line);
  for (const line of ['jobLabel: prometheus.io/job', 'prometheus.io/job: {{ $job }}', 'path: {{ $path }}']) expect(monitors).toContain(line);
});

test('each process can be given variables, volumes and their places, and the gateway a policy', () => {
  const [services, executor] = [read('templates/services.yaml'), read('templates/executor.yaml')];
  for (const name of ['extraEnv', 'extraVolumes', 'extraVolumeMounts']) {
    expect(Object.keys(values[name] as object).toSorted()).toEqual([...SERVICES, 'executor'].toSorted());
    expect(services).toContain(`with index $.Values.${name} $name }}`);
    // Also who makes the folders reads /etc/subuid.
    expect(executor.split(`with .Values.${name}.executor }}`)).toHaveLength(name === 'extraVolumeMounts' ? 3 : 2);
  }
  expect(services).toMatch(/- name: BERTH_POLICY\n {14}value: (\/etc\/berth\/policy)\/policy\.json\n[^]*- name: policy\n {14}mountPath: \1\n[^]*- name: policy\n {10}configMap:/);
  expect(read('templates/settings.yaml')).toMatch(/with \.Values\.gateway\.policy \}\}\n[^]*policy\.json: \|/);
});

test('what templates take from the values is there, and the chart is of this version', () => {
  const at = (path: string): unknown => path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], values);
  for (const [name, text] of templates) for (const [, path = ''] of text.matchAll(/\.Values\.([a-zA-Z.]+)/g)) expect(at(path), `${name}: ${path}`).toBeDefined();
  expect(parse(read('Chart.yaml'))).toMatchObject({ appVersion: (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version });
});

test("the chart's nats.conf is made from the table of rights (npm run chart), and nats-server takes it with passwords from its environment", async () => {
  expect(readFileSync(NATS_CONF, 'utf8')).toBe(chartNatsConf());
  const path = join(folder, 'nats.conf');
  writeFileSync(path, read('files/nats.conf'));
  const check = (env: NodeJS.ProcessEnv): Promise<string> => new Promise((resolve) => execFile(process.env['BERTH_NATS_SERVER'] || 'nats-server', ['-c', path, '-t'], { env }, (_error, _stdout, stderr) => resolve(stderr)));
  const given = { ...passwords, NATS_LOG_LIMIT: nats.logLimit };
  expect(await check(given)).toMatch(/configuration file .* is valid/i);
  for (const left of Object.keys(given)) expect(await check({ ...given, [left]: undefined })).toMatch(new RegExp(`variable reference for '${left}' on line \\d+ can not be found`, 'i'));
  expect(await check({ ...given, NATS_LOG_LIMIT: 'much' })).toMatch(/max_file_store/i);
});

test('the log may grow to less than its disk has, and both nats-server and the metric are told', () => {
  const storage = Number(/^(\d+)Gi$/.exec(nats.storage)?.[1]) * 2 ** 30;
  expect(readLogLimit({ BERTH_LOG_LIMIT: nats.logLimit })).toBeLessThan(storage * 0.95);
  expect(read('templates/settings.yaml')).toContain('BERTH_LOG_LIMIT: {{ .Values.nats.logLimit | quote }}');
  expect(read('templates/nats.yaml')).toContain('- name: NATS_LOG_LIMIT\n              value: {{ .Values.nats.logLimit | quote }}');
});

test.each(SERVICES)("with that configuration %s logs in, and is refused what is the executor's", async (service) => {
  const as = { servers: server.url, user: service, pass: passwords[`NATS_PASSWORD_${service.toUpperCase()}`] ?? '' };
  expect(await refused(as, 'publish', ['berth.event.task.x'])).toEqual(['berth.event.task.x']);
  await expect(refused({ ...as, pass: 'another' }, 'publish', [])).rejects.toThrow(/authorization/i);
});

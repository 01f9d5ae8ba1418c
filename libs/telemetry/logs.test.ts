import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { logRecord, prettyRecord } from './log-record.js';
import { withoutSecrets } from './without-secrets.js';

/** What a process of its own says on stderr, as it does when a supervisor keeps its log. */
function said(program: string): { readonly lines: readonly Record<string, unknown>[]; readonly stdout: string; readonly status: number | null } {
  const modules = ['logger', 'start-logging', 'tracing'].map((name) => `import * as ${name.replace('-', '_')} from '${new URL(`./${name}.js`, import.meta.url).href}';`);
  const { stderr, stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', `${modules.join('')}${program}`], { encoding: 'utf8' });
  return { lines: stderr.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>), stdout, status };
}

test('a record is one JSON line with time, level, service, message and ids', () => {
  const { lines, stdout } = said(`logger.logger('containers').error('it did not start', { container: 'c1', correlationId: 'k', error: new Error('two\\nlines') })`);
  expect(stdout).toBe('');
  expect(lines).toEqual([
    { time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), level: 'error', service: 'containers', message: 'it did not start', correlation_id: 'k', container_id: 'c1', error: 'two\nlines', stack: expect.stringContaining('two\nlines\n    at ') },
  ]);
});

test('one setting says what is worth a line', () => {
  expect(said(`start_logging.startLogging('x', 'warn'); const log = logger.logger('x'); log.debug('a'); log.info('b'); log.warn('c'); log.error('d')`).lines.map(({ message }) => message)).toEqual(['c', 'd']);
});

test('inside a span a record has its ids', () => {
  const span = `{ traceId: 't'.repeat(32), spanId: 's'.repeat(16), end() {}, fail() {} }`;
  const { lines } = said(`tracing.useTracer({ start: () => (${span}) }); tracing.traced('work', () => logger.logger('x').info('here')); logger.logger('x').info('outside')`);
  expect(lines).toMatchObject([{ message: 'here', trace_id: 't'.repeat(32), span_id: 's'.repeat(16) }, { message: 'outside' }]);
  expect(lines[1]).not.toHaveProperty('trace_id');
});

test('warnings, what Nest says, and what nobody caught are records; the last ends the process', () => {
  const { lines, status } = said(`start_logging.startLogging('engine', 'info'); process.emitWarning('careful'); start_logging.nestLogger('engine').error('went wrong', 'Error: stack', 'Server');
    setImmediate(() => Promise.reject(new Error('forgotten')))`);
  expect(lines).toMatchObject([
    { level: 'error', message: 'went wrong', component: 'Server', error: 'Error: stack' },
    { level: 'warn', message: 'careful' },
    { level: 'error', service: 'engine', error: 'forgotten' },
  ]);
  expect(status).toBe(1);
});

test('a collector that is away is told of, however many batches fail, once for a while', () => {
  const { lines } = said(`const { startTracing } = await import('${new URL('./start-tracing.js', import.meta.url).href}');
    Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '200', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' });
    await startTracing('engine');
    for (let n = 0; n < 9; n++) tracing.traced('work', () => n);
    await tracing.stopTracing();`);
  expect(lines).toMatchObject([{ level: 'warn', service: 'engine', message: 'OpenTelemetry complains', error: 'connect ECONNREFUSED 127.0.0.1:1' }]);
});

test.each([
  ['cannot reach nats://gateway:hunter2@127.0.0.1:4270', 'cannot reach nats://***@127.0.0.1:4270'],
  ['401 for Authorization: Bearer abc.def.ghi', '401 for Authorization: ***'],
  ['X-Registry-Auth: eyJ1c2VyIjoi', 'X-Registry-Auth: ***'],
  ['{"username":"sam","password":"hunter2"}', '{"username":"sam","password":***}'],
  ['MYSQL_ROOT_PASSWORD=hunter2 is not set', 'MYSQL_ROOT_PASSWORD=*** is not set'],
  ['image busybox@sha256:0123 at http://[::1]:5000/v2/', 'image busybox@sha256:0123 at http://[::1]:5000/v2/'],
])('no secret gets into a line: %s', (text, shown) => {
  expect(withoutSecrets(text)).not.toMatch(/hunter2|abc\.def|eyJ1/);
  expect(withoutSecrets(text)).toBe(shown);
});

test('a long text of a client is gone through once', () => {
  const begun = performance.now();
  expect(withoutSecrets('a.'.repeat(500_000))).toHaveLength(1_000_000);
  expect(performance.now() - begun).toBeLessThan(2000);
});

test('a field that is named like a secret is not shown, whatever it holds', () => {
  const record = logRecord(new Date(0), 'info', 's', 'm', {}, { registryToken: 'hunter2', password: 'hunter2', bytes: 3 });
  expect(JSON.stringify(record)).not.toContain('hunter2');
  expect(prettyRecord(record)).toBe('00:00:00.000 INFO  s m registryToken=*** password=*** bytes=3');
});

import type { HostConfig } from '#contracts/containers/container-config.js';
import type { TaskLog } from '#contracts/executor/tasks.js';
import { invalid, unclassified } from '#libs/errors/errors.js';
import { type Expression, linearExpression, weightOf } from '#libs/patterns/linear-expression.js';
import { type Logged, tagOf } from './log-tag.js';
import { LOGGING_FAILED } from './template-tree.js';
import { checkSyslog, receiverOf, SYSLOG_OPTIONS } from './log-receiver.js';

const BUFFER_OPTIONS = ['mode', 'max-buffer-size'];
/** Of the files beside a receiver, from which `docker logs` reads. dockerd takes them of any driver. */
const CACHE_OPTIONS = ['cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'];
const FILE_OPTIONS = ['max-size', 'max-file', 'compress'];
/** What a line of the log can be told to carry beside it (`docker logs --details`). */
const DETAIL_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  'json-file': [...FILE_OPTIONS, ...DETAIL_OPTIONS],
  local: FILE_OPTIONS,
  syslog: [...SYSLOG_OPTIONS, ...DETAIL_OPTIONS],
  journald: DETAIL_OPTIONS,
};

/** Of a regular expression, by weight. */
const LARGEST_EXPRESSION = 16 * 1024;

/** What dockerd finds out when it starts. */
const cannotLog = (why: string): Error => unclassified(`${LOGGING_FAILED}${why}`);
/** As Go's strconv.ParseBool reads them. */
const BOOLEANS = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const TRUTHS = /^(1|t|T|TRUE|true|True)$/;

/** Throws invalid, in dockerd's words, for a driver or an option that is not there. Of most values it is found out at a start. */
export function checkLog({ LogConfig }: HostConfig): void {
  const type = LogConfig?.Type || 'json-file';
  const options = LogConfig?.Config ?? {};
  if (type !== 'none') checkMode(options);
  if (!isDriver(type)) throw invalid(`error looking up logging plugin ${type}: plugin "${type}" not found`);
  checkOptions(type, options);
  if (type === 'syslog') checkSyslog(options);
}

/** How a container's output is kept, and whom it is sent to. Throws as `checkLog` does, and, as dockerd does at a start, for values that mean nothing. */
export function logOf(logged: Logged): TaskLog {
  const { LogConfig } = logged.hostConfig;
  checkLog(logged.hostConfig);
  const type = (LogConfig?.Type || 'json-file') as TaskLog['driver']; // checked
  const options = LogConfig?.Config ?? {};
  const receiver = receiverOf(type, options, tagOf(options['tag'] || '{{.ID}}', logged), logged, chosenOf(logged));
  return { driver: type, ...filesOf(type, options), ...(receiver ? { receiver } : {}) };
}

/** Whether `docker logs` has something to read. */
export function isReadable({ LogConfig }: HostConfig): boolean {
  const type = LogConfig?.Type || 'json-file';
  return type !== 'none' && !(sends(type) && TRUTHS.test(LogConfig?.Config?.['cache-disabled'] ?? ''));
}

const isDriver = (type: string): boolean => type === 'none' || Object.hasOwn(OPTIONS, type);
const sends = (type: string): boolean => type === 'syslog' || type === 'journald';

function filesOf(type: string, options: Options): LogFiles {
  if (type === 'local') return localFiles(options);
  if (type === 'json-file' || type === 'none') return jsonFiles(options);
  const asLocal = (name: string): Options => (options[`cache-${name}`] === undefined ? {} : { [name]: options[`cache-${name}`] ?? '' });
  return localFiles({ ...asLocal('max-size'), ...asLocal('max-file'), ...asLocal('compress') });
}

type LogFiles = Pick<TaskLog, 'maxBytes' | 'maxFiles' | 'compress'>;
type Options = Readonly<Record<string, string>>;

function jsonFiles(options: Options): LogFiles {
  const maxFiles = count(options['max-file'] ?? '1', '');
  if (maxFiles < 1) throw cannotLog('max-file cannot be less than 1');
  const maxBytes = parseSize(options['max-size'] ?? '-1', cannotLog);
  const compress = truth(options['compress'] ?? 'false', '');
  if (compress && (maxFiles < 2 || maxBytes === 0)) throw cannotLog('compress cannot be true when max-file is less than 2 or max-size is not set');
  return { maxBytes, maxFiles, compress };
}

function localFiles(options: Options): LogFiles {
  const { 'max-size': size = '20m', 'max-file': files = '5', compress: asked = 'true' } = options;
  const maxFiles = count(files, `invalid value for max-file: ${files}: `);
  if (maxFiles < 0) throw cannotLog('max file count cannot be less than 0');
  const wrongSize = (why: string): Error => cannotLog(`invalid value for max-size: ${size}: ${why}`);
  if (size === '-1') throw wrongSize("invalid size: '-1'");
  const maxBytes = parseSize(size, wrongSize);
  const compress = truth(asked, 'error reading compress log option: ');
  if (compress && maxFiles < 2) throw cannotLog('compression cannot be enabled when max file count is 1');
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress };
}

function count(text: string, place: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw cannotLog(`${place}strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function truth(text: string, place: string): boolean {
  if (!BOOLEANS.test(text)) throw cannotLog(`${place}strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return TRUTHS.test(text);
}

function checkOptions(type: string, options: Options): void {
  if (type === 'none') return;
  const known = [...BUFFER_OPTIONS, ...CACHE_OPTIONS, ...(OPTIONS[type] ?? [])];
  for (const option of Object.keys(options)) if (!known.includes(option)) throw invalid(type === 'local' ? `unknown log opt '${option}' for log driver local` : `unknown log opt '${option}' for ${type} log driver`);
  const disabled = options['cache-disabled'];
  if (disabled !== undefined && !BOOLEANS.test(disabled)) throw invalid(`invalid value for option cache-disabled: ${disabled}`);
}

/** The shim never waits for a reader: output is held back by the disk alone, so both modes are served by the one way. */
function checkMode(options: Options): void {
  const { mode, 'max-buffer-size': buffer } = options;
  if (mode !== undefined && !['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer === undefined) return;
  if (mode !== 'non-blocking') throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  parseSize(buffer, (why) => invalid(`error parsing option max-buffer-size: ${why}`));
}

/** "10m" → bytes; "-1" → 0, no limit. */
function parseSize(text: string, wrong: (why: string) => Error): number {
  if (text === '-1') return 0;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text) ?? [];
  if (number === '') throw wrong(`invalid size: '${text}'`);
  return Math.floor(Number(number) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase()));
}

function expression(text: string): Expression {
  if (weightOf(text) > LARGEST_EXPRESSION) throw cannotLog('a regular expression in a log option is too long, repeats too much or has too large classes');
  try {
    return linearExpression(text);
  } catch {
    throw cannotLog(`invalid regular expression in a log option: ${text}`);
  }
}

/** What stands before each line of `docker logs --details`: "key=value,key=value", sorted, escaped as in a URL's query; '' without such options. Only json-file keeps it. */
export function logDetails(logged: Logged): string {
  const { LogConfig } = logged.hostConfig;
  if ((LogConfig?.Type || 'json-file') !== 'json-file') return '';
  const attributes = chosenOf(logged);
  const tag = tagOf(LogConfig?.Config?.['tag'] ?? '', logged);
  const all = Object.entries(tag === '' ? attributes : { ...attributes, tag });
  return all.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([key, value]) => `${queryEscaped(key)}=${queryEscaped(value)}`).join(',');
}

/** Labels and variables that the log's options name. */
function chosenOf({ config, hostConfig }: Logged): Readonly<Record<string, string>> {
  const options = hostConfig.LogConfig?.Config ?? {};
  const env = Object.fromEntries((config.Env ?? []).flatMap((variable) => (variable.includes('=') ? [[variable.slice(0, variable.indexOf('=')), variable.slice(variable.indexOf('=') + 1)] as const] : [])));
  return { ...chosen(config.Labels ?? {}, options['labels'], options['labels-regex']), ...chosen(env, options['env'], options['env-regex']) };
}

function chosen(from: Readonly<Record<string, string>>, names: string | undefined, pattern: string | undefined): Record<string, string> {
  const wanted = new Set((names ?? '').split(',').filter((name) => name !== ''));
  const matches = pattern ? expression(pattern) : undefined;
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || matches?.test(name)));
}

/** As Go's url.QueryEscape. */
const queryEscaped = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+').replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

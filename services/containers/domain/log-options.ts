import type { ContainerConfig, HostConfig } from '#contracts/containers/container-config.js';
import type { TaskLog } from '#contracts/executor/tasks.js';
import { invalid } from '#libs/errors/errors.js';

const SIZE_OPTIONS = ['max-size', 'max-file', 'compress', 'mode', 'max-buffer-size'];
/** What a line of the log can be told to carry beside it (`docker logs --details`). */
const DETAIL_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];

/** What dockerd says before it starts: here the same is said before there is a container. */
const FAILED = 'failed to initialize logging driver: ';
/** As Go's strconv.ParseBool reads them. */
const BOOLEANS = /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const TRUTHS = /^(1|t|T|TRUE|true|True)$/;

/** How a container's output is kept. Throws invalid, in dockerd's words, for a driver or an option that is not there. */
export function logOf({ LogConfig }: HostConfig): TaskLog {
  const type = LogConfig?.Type || 'json-file';
  if (type !== 'json-file' && type !== 'local' && type !== 'none') throw invalid(`logger: no log driver named '${type}' is registered`);
  const options = LogConfig?.Config ?? {};
  checkOptions(type, options);
  checkMode(options);
  return { driver: type, ...(type === 'local' ? localFiles(options) : jsonFiles(options)) };
}

type LogFiles = Pick<TaskLog, 'maxBytes' | 'maxFiles' | 'compress'>;
type Options = Readonly<Record<string, string>>;

function jsonFiles(options: Options): LogFiles {
  const maxFiles = count(options['max-file'] ?? '1', FAILED);
  if (maxFiles < 1) throw invalid(`${FAILED}max-file cannot be less than 1`);
  const maxBytes = parseSize(options['max-size'] ?? '-1', FAILED);
  const compress = truth(options['compress'] ?? 'false', FAILED);
  if (compress && (maxFiles < 2 || maxBytes === 0)) throw invalid(`${FAILED}compress cannot be true when max-file is less than 2 or max-size is not set`);
  return { maxBytes, maxFiles, compress };
}

function localFiles(options: Options): LogFiles {
  const { 'max-size': size = '20m', 'max-file': files = '5', compress: asked = 'true' } = options;
  const maxFiles = count(files, `${FAILED}invalid value for max-file: ${files}: `);
  if (maxFiles < 0) throw invalid(`${FAILED}max file count cannot be less than 0`);
  if (size === '-1') throw invalid(`${FAILED}invalid value for max-size: -1: invalid size: '-1'`);
  const maxBytes = parseSize(size, `${FAILED}invalid value for max-size: ${size}: `);
  const compress = truth(asked, `${FAILED}error reading compress log option: `);
  if (compress && maxFiles < 2) throw invalid(`${FAILED}compression cannot be enabled when max file count is 1`);
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress };
}

function count(text: string, place: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`${place}strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function truth(text: string, place: string): boolean {
  if (!BOOLEANS.test(text)) throw invalid(`${place}strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return TRUTHS.test(text);
}

function checkOptions(type: string, options: Options): void {
  const known = [...SIZE_OPTIONS, ...(type === 'json-file' ? DETAIL_OPTIONS : [])];
  for (const option of Object.keys(options)) if (type !== 'none' && !known.includes(option)) throw invalid(type === 'local' ? `unknown log opt '${option}' for log driver local` : `unknown log opt '${option}' for ${type} log driver`);
  for (const option of ['labels-regex', 'env-regex']) if (options[option] !== undefined) expression(options[option]);
  const unknown = /\{\{(?!\.(ID|FullID|Name|ImageName|ImageID|ImageFullID|DaemonName)\}\}).*?(\}\}|$)/.exec(options['tag'] ?? '');
  if (unknown) throw invalid(`invalid log tag: ${unknown[0]}: fields are ID, FullID, Name, ImageName, ImageID, ImageFullID and DaemonName`);
}

/** The shim never waits for a reader: output is held back by the disk alone, so both modes are served by the one way. */
function checkMode(options: Options): void {
  const { mode, 'max-buffer-size': buffer } = options;
  if (mode !== undefined && !['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer === undefined) return;
  if (mode !== 'non-blocking') throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  parseSize(buffer, 'error parsing option max-buffer-size: ');
}

/** "10m" → bytes; "-1" → 0, no limit. What is none is refused after the words of `place`. */
function parseSize(text: string, place: string): number {
  if (text === '-1') return 0;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text) ?? [];
  if (number === '') throw invalid(`${place}invalid size: '${text}'`);
  return Math.floor(Number(number) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase()));
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch {
    throw invalid(`invalid regular expression in a log option: ${text}`);
  }
}

interface Logged {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageRef: string;
  readonly config: Pick<ContainerConfig, 'Labels' | 'Env'>;
  readonly hostConfig: HostConfig;
}

/** What stands before each line of `docker logs --details`: "key=value,key=value", sorted, escaped as in a URL's query; '' without such options. */
export function logDetails({ id, name, imageId, imageRef, config, hostConfig }: Logged): string {
  const options = hostConfig.LogConfig?.Config ?? {};
  const env = Object.fromEntries((config.Env ?? []).flatMap((variable) => (variable.includes('=') ? [[variable.slice(0, variable.indexOf('=')), variable.slice(variable.indexOf('=') + 1)] as const] : [])));
  const attributes = { ...chosen(config.Labels ?? {}, options['labels'], options['labels-regex']), ...chosen(env, options['env'], options['env-regex']) };
  const fields = { ID: id.slice(0, 12), FullID: id, Name: name, ImageName: imageRef, ImageID: imageId.replace('sha256:', '').slice(0, 12), ImageFullID: imageId, DaemonName: 'docker' };
  const tag = (options['tag'] ?? '').replace(/\{\{\.(\w+)\}\}/g, (_, field: string) => (Object.hasOwn(fields, field) ? fields[field as keyof typeof fields] : ''));
  const all = Object.entries(tag === '' ? attributes : { ...attributes, tag });
  return all.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([key, value]) => `${queryEscaped(key)}=${queryEscaped(value)}`).join(',');
}

function chosen(from: Readonly<Record<string, string>>, names: string | undefined, pattern: string | undefined): Record<string, string> {
  const wanted = new Set((names ?? '').split(',').filter((name) => name !== ''));
  const matches = pattern ? expression(pattern) : undefined;
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || matches?.test(name)));
}

/** As Go's url.QueryEscape. */
const queryEscaped = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+').replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

import type { LogReceiver, SyslogFormat } from '#contracts/executor/tasks.js';
import { invalid } from '#libs/errors/errors.js';
import type { Logged } from './log-tag.js';

type Options = Readonly<Record<string, string>>;

export const SYSLOG_OPTIONS = ['syslog-address', 'syslog-facility', 'syslog-format', 'syslog-tls-ca-cert', 'syslog-tls-cert', 'syslog-tls-key', 'syslog-tls-skip-verify'];

const DEFAULT_PORT = 514;
const FORMATS: Readonly<Record<string, SyslogFormat>> = { '': 'local', rfc3164: 'rfc3164', rfc5424: 'rfc5424', rfc5424micro: 'rfc5424micro' };
/** RFC 5424, table 1, by syslog(3)'s names; '' are those without one. */
const FACILITIES = ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', '', '', '', '', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'];

/** Throws invalid, in dockerd's words. */
export function checkSyslog(options: Options): void {
  addressOf(options['syslog-address'] ?? '');
  facilityOf(options['syslog-facility'] ?? '');
  formatOf(options['syslog-format'] ?? '');
}

/** The receiver that a driver sends to; undefined for one that keeps files alone. `chosen`: labels and variables that the options name. */
export function receiverOf(driver: string, options: Options, tag: string, logged: Logged, chosen: Options): LogReceiver | undefined {
  if (driver === 'journald') return { type: 'journald', fields: { ...identityFields(tag, logged), ...Object.fromEntries(Object.entries(chosen).map(([name, value]) => [fieldName(name), value])) } };
  if (driver !== 'syslog') return undefined;
  const { 'syslog-address': address = '', 'syslog-facility': facility = '', 'syslog-format': format = '', 'syslog-tls-ca-cert': ca = '', 'syslog-tls-cert': cert = '', 'syslog-tls-key': key = '' } = options;
  // Asked for by its presence, whatever it says.
  const skipVerify = options['syslog-tls-skip-verify'] !== undefined;
  return { type: 'syslog', address: addressOf(address), facility: facilityOf(facility), format: formatOf(format), tag, tls: { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}), skipVerify } };
}

function addressOf(text: string): string {
  if (text === '' || /^unix(gram)?:\/\/\//.test(text)) return text;
  const [, scheme = '', host = ''] = /^(udp|tcp|tcp\+tls|unix|unixgram):\/\/([^/?#]*)/.exec(text) ?? [];
  if (scheme === '' || scheme.startsWith('unix')) throw invalid(`syslog-address should be in form proto://address, got ${text}`);
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(host) ?? [];
  if (name === undefined) throw invalid(`address ${host}: too many colons in address`);
  if (port && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) throw invalid(`address ${host}: invalid port`);
  return `${scheme}://${name}:${port || DEFAULT_PORT}`;
}

function facilityOf(text: string): number {
  if (text === '') return FACILITIES.indexOf('daemon');
  const number = /^\d+$/.test(text) ? Number(text) : FACILITIES.indexOf(text);
  if (number < 0 || number >= FACILITIES.length) throw invalid('invalid syslog facility');
  return number;
}

function formatOf(text: string): SyslogFormat {
  const format = Object.hasOwn(FORMATS, text) ? FORMATS[text] : undefined;
  if (format === undefined) throw invalid('Invalid syslog format');
  return format;
}

const identityFields = (tag: string, { id, name, imageRef }: Logged): Record<string, string> => ({
  CONTAINER_ID: id.slice(0, 12),
  CONTAINER_ID_FULL: id,
  CONTAINER_NAME: name,
  CONTAINER_TAG: tag,
  IMAGE_NAME: imageRef,
  SYSLOG_IDENTIFIER: tag,
});

/** The journal takes upper case, digits and underscores, no underscore first. */
const fieldName = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, '_').replace(/^_+/, '');

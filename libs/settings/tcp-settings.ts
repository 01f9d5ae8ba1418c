import { isIP } from 'node:net';
import { type Environment, setting } from './setting-table.js';

/** Where the Docker Engine API is served beside its unix socket. */
export interface TcpSettings {
  readonly host: string;
  readonly port: number;
  /** Files in PEM: who may come is who has a certificate of `ca`. Absent: without TLS, on loopback alone, since that was asked for by name. */
  readonly tls?: TlsFiles;
}

export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Settings of BERTH_TCP ("0.0.0.0:2376"), BERTH_TLS_CA, BERTH_TLS_CERT, BERTH_TLS_KEY and BERTH_TCP_PLAIN ("loopback"); undefined without BERTH_TCP. Throws what names the variable. */
export function readTcpSettings(env: Environment): TcpSettings | undefined {
  const address = setting(env, 'BERTH_TCP');
  if (address === '') return undefined;
  const [ca, cert, key, plain] = [setting(env, 'BERTH_TLS_CA'), setting(env, 'BERTH_TLS_CERT'), setting(env, 'BERTH_TLS_KEY'), setting(env, 'BERTH_TCP_PLAIN')];
  const [, six, four, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = six ?? four ?? '';
  const port = Number(digits);
  if (isIP(host) === 0 || !(port > 0 && port < 65536)) throw new Error(`BERTH_TCP=${address}: an IP address and a port are needed, as 0.0.0.0:2376 or [::1]:2376`);
  const files = Object.entries({ BERTH_TLS_CA: ca, BERTH_TLS_CERT: cert, BERTH_TLS_KEY: key });
  for (const [name, path] of files) if (path !== '' && !path.startsWith('/')) throw new Error(`${name}=${path}: an absolute path is needed`);
  const missing = files.flatMap(([name, path]) => (path === '' ? name : []));
  if (missing.length === 0) {
    if (plain !== '') throw new Error('BERTH_TCP_PLAIN is set, and so are certificates: one of both is meant');
    return { host, port, tls: { ca, cert, key } };
  }
  if (missing.length < 3) throw new Error(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: BERTH_TLS_CA, BERTH_TLS_CERT and BERTH_TLS_KEY go together`);
  if (plain === '') throw new Error(`BERTH_TCP=${address} without TLS would give this machine to whoever can reach it: set BERTH_TLS_CA, BERTH_TLS_CERT and BERTH_TLS_KEY (or BERTH_TCP_PLAIN=loopback, for 127.0.0.1 and [::1])`);
  if (plain !== 'loopback') throw new Error(`BERTH_TCP_PLAIN=${plain}: it can only be "loopback"`);
  if (!isLoopback(host)) throw new Error(`BERTH_TCP=${address} is not loopback: without TLS there is only 127.0.0.1 and [::1]`);
  return { host, port };
}

export const isLoopback = (address: string): boolean => (isIP(address) === 4 && address.startsWith('127.')) || (isIP(address) === 6 && /^(?:0*:)*:?0*1$/.test(address));

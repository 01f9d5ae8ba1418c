import { BlockList, isIP } from 'node:net';
import { errorMessage } from '#libs/errors/errors.js';

/** By whom this machine asks others, as dockerd is told: URLs of proxies, and whom to ask without. Empty: none. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  /** "10.0.0.0/8,.example.com,host:5000" */
  readonly without: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that tell of proxies and of who is to be believed in TLS: those of Go and of OpenSSL. */
export const PROXY_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'] as const;
export const TRUST_VARIABLES = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'] as const;

export function readProxies(env: Environment = process.env): Proxies {
  const either = (name: string): string => env[name] || env[name.toLowerCase()] || '';
  return { http: either('HTTP_PROXY'), https: either('HTTPS_PROXY'), without: either('NO_PROXY') };
}

/** The proxy that is asked for `url`; undefined: its host itself, as the machine always is. Throws where the variable tells no proxy. As Go has it (golang.org/x/net/http/httpproxy). */
export function proxyFor({ protocol, hostname, port }: URL, { http, https, without }: Proxies): URL | undefined {
  const [name, text] = protocol === 'https:' ? ['HTTPS_PROXY', https] : ['HTTP_PROXY', http];
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (text === '' || isOwn(host) || isWithout(host, port || (protocol === 'https:' ? '443' : '80'), without)) return undefined;
  const proxy = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (proxy === null || !['http:', 'https:'].includes(proxy.protocol) || proxy.hostname === '') throw new Error(`${name}=${withoutPassword(text)}: no URL of a proxy that is spoken to over http or https`);
  return proxy;
}

/**
 * What is wrong with the proxies, in sentences that name their variables, told when the engine starts: pulls and logins fail by one that cannot be asked, as by SOCKS, and only they, so
 * that it is no reason not to start; ALL_PROXY, which other programs know, says nothing to Go and to Berth.
 */
export function proxyWarnings(env: Environment = process.env): readonly string[] {
  const proxies = { ...readProxies(env), without: '' };
  const wrong = ['http', 'https'].flatMap((scheme) => {
    try {
      proxyFor(new URL(`${scheme}://registry.invalid/`), proxies);
      return [];
    } catch (error) {
      return [`pulls and logins will fail by their proxy: ${errorMessage(error)}`];
    }
  });
  const unheard = ['ALL_PROXY', 'all_proxy'].find((name) => env[name]);
  return unheard === undefined ? wrong : [...wrong, `${unheard} does not count for pulls and logins, as with dockerd: HTTP_PROXY and HTTPS_PROXY do, over http or https`];
}

/** As dockerd shows it: "http://xxxxx:xxxxx@proxy:3128". */
export const withoutPassword = (proxy: string): string => proxy.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/]*@/i, '$1xxxxx:xxxxx@');

const isOwn = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function isWithout(host: string, port: string, list: string): boolean {
  return list.split(',').some((item) => {
    const rule = item.trim().toLowerCase();
    if (rule === '*') return true;
    if (rule.includes('/')) return isInRange(host, rule);
    const [, six, plain, only] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(rule) ?? [undefined, rule];
    const name = (six ?? plain ?? '').replace(/^\*\./, '.');
    if (name === '' || (only !== undefined && only !== port)) return false;
    return host === name || (isIP(name) === 0 && host.endsWith(name.startsWith('.') ? name : `.${name}`));
  });
}

function isInRange(host: string, range: string): boolean {
  const [address = '', bits = ''] = range.split('/');
  const [family, of] = [isIP(host), isIP(address)];
  if (family === 0 || family !== of || !/^\d{1,3}$/.test(bits) || Number(bits) > (of === 4 ? 32 : 128)) return false;
  const addresses = new BlockList();
  addresses.addSubnet(address, Number(bits), of === 4 ? 'ipv4' : 'ipv6');
  return addresses.check(host, of === 4 ? 'ipv4' : 'ipv6');
}

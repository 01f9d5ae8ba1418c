import type { HostChange } from '#contracts/executor/tasks.js';
import { invalid } from '#libs/errors/errors.js';

const LOCAL_HOSTS = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::\tip6-localnet', 'ff00::\tip6-mcastprefix', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters'];

/**
 * /etc/hosts of a container. `extraHosts`: "name:address", the address may be IPv6, in brackets or not, or "host-gateway", which stands for `hostGateway`: the host
 * as its bridges show it. `address`: the container's own on its network, absent without one. A domain gives the name twice, "box.example.org box" (hosts(5)).
 */
export function hostsFile(of: { readonly hostname: string; readonly domainname: string; readonly extraHosts: readonly string[]; readonly address?: string; readonly hostGateway?: string | undefined }): string {
  const extra = of.extraHosts.map((entry) => {
    const colon = entry.indexOf(':');
    const wanted = entry.slice(colon + 1).replace(/^\[(.*)\]$/, '$1');
    const address = wanted === 'host-gateway' ? of.hostGateway : wanted;
    if (address === undefined) throw invalid('unable to derive the IP value for host-gateway');
    return `${address}\t${entry.slice(0, colon)}`;
  });
  const names = of.domainname === '' ? of.hostname : `${of.hostname}.${of.domainname} ${of.hostname}`;
  const own = of.address === undefined ? [] : [`${of.address}\t${names}`];
  return lines([...LOCAL_HOSTS, ...extra, ...own]);
}

/** A hosts file in which lines that begin with one of these names have its new address, or are no more. All other lines are as they were. */
export function changedHosts(text: string, changes: readonly HostChange[]): string {
  const wanted = new Map(changes.map(({ name, address }) => [name, address]));
  return text
    .split('\n')
    .flatMap((line) => {
      const [, first, rest = ''] = /^\S+[ \t]+(\S+)(.*)$/.exec(line) ?? [];
      if (first === undefined || !wanted.has(first)) return [line];
      const address = wanted.get(first);
      return address === undefined ? [] : [`${address}\t${first}${rest}`];
    })
    .join('\n');
}

export const hostnameFile = (hostname: string): string => `${hostname}\n`;

export interface ResolvConf {
  /** Text of the host's /etc/resolv.conf, "" where it has none. */
  readonly host: string;
  /** Each of these, when not empty, takes the place of what the host has. */
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** In the host's own network its servers on the loopback are within reach. */
  readonly inHostNetwork?: boolean;
}

const FALLBACK_SERVERS = ['8.8.8.8', '8.8.4.4'];

/**
 * /etc/resolv.conf of a container on the default bridge (resolv.conf(5)): the host's, without servers on the host's own loopback, which a container cannot
 * reach; with no server left, public ones, as Docker has it. A search of "." alone stands for no search.
 */
export function resolvConf({ host, dns, dnsSearch, dnsOptions, inHostNetwork = false }: ResolvConf): string {
  const found = parse(host);
  const usable = dns.length > 0 ? dns : found.nameservers.filter((address) => inHostNetwork || !isLoopback(address));
  const servers = usable.length > 0 ? usable : FALLBACK_SERVERS;
  const search = (dnsSearch.length > 0 ? dnsSearch : found.search).filter((domain, _, all) => domain !== '.' || all.length > 1);
  const options = dnsOptions.length > 0 ? dnsOptions : found.options;
  return lines([
    ...servers.map((address) => `nameserver ${address}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]);
}

function parse(text: string): { readonly nameservers: readonly string[]; readonly search: readonly string[]; readonly options: readonly string[] } {
  const nameservers: string[] = [];
  let search: string[] = [];
  const options: string[] = [];
  for (const line of text.slice(0, 1 << 16).split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*/, '').trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0]) nameservers.push(values[0]);
    // The last one of "search" and "domain" counts.
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options') options.push(...values);
  }
  return { nameservers, search, options };
}

const isLoopback = (address: string): boolean => /^127\./.test(address) || /^(0*:)+0*1(%.*)?$/.test(address);
const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

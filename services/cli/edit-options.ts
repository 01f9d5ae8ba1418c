import { invalid } from '#libs/errors/errors.js';
import type { CliOptions } from './options.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The options of `berth edit`, and the words of a new command, as the engine takes them. Throws invalid. */
export function readChanges(options: CliOptions, command: readonly string[]): Record<string, unknown> {
  const limits = readLimits(options);
  const changes: Record<string, unknown> = {
    setEnv: options.env,
    unsetEnv: options['unset-env'],
    command: command.length > 0 ? command : undefined,
    setLabels: options.label && Object.fromEntries(options.label.map(pair)),
    unsetLabels: options['unset-label'],
    publish: options.publish && bindings(options.publish),
    unpublish: options.unpublish,
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    binds: options.volume,
    unmount: options.unmount,
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function readLimits({ memory, 'memory-swap': swap, cpus, 'pids-limit': pids, restart }: CliOptions): Record<string, unknown> {
  return {
    ...(memory === undefined ? {} : { Memory: bytes('--memory', memory) }),
    ...(swap === undefined ? {} : { MemorySwap: swap === '-1' ? -1 : bytes('--memory-swap', swap) }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(number('--cpus', cpus) * 1e9) }),
    ...(pids === undefined ? {} : { PidsLimit: Math.max(0, number('--pids-limit', pids)) }),
    ...(restart === undefined ? {} : { RestartPolicy: policy(restart) }),
  };
}

/** "on-failure:3" */
function policy(text: string): object {
  const [Name = '', count] = text.split(':');
  return { Name, ...(count === undefined ? {} : { MaximumRetryCount: number('--restart', count) }) };
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** As `docker run -p`: [[IP:]HOST:]CONTAINER[/PROTOCOL]; of ranges, the host's alone. */
function bindings(published: readonly string[]): Record<string, { HostIp: string; HostPort: string }[]> {
  const found: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const text of published) {
    const [, ip = '', host = '', port = '', protocol = 'tcp'] = /^(?:(?:([\d.]+):)?(\d*(?:-\d+)?):)?(\d+)(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
    if (port === '') throw invalid(`--publish takes [[IP:]HOST_PORT:]PORT[/PROTOCOL], not "${text}"`);
    (found[`${port}/${protocol}`] ??= []).push({ HostIp: ip, HostPort: host });
  }
  return found;
}

/** "64m" */
function bytes(option: string, text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([bkmg]?)b?$/i.exec(text) ?? [];
  if (amount === '') throw invalid(`${option} takes bytes, with k, m or g behind, not "${text}"`);
  return Math.round(Number(amount) * (UNITS[unit.toLowerCase()] ?? 1));
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw invalid(`${option} takes a number, not "${text}"`);
  return value;
}

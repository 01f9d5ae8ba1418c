import type { EndpointSettings } from '#contracts/containers/container-state.js';
import type { HostConfig, RestartPolicy } from '#contracts/containers/container-config.js';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import type { AttachTicket, LaunchFields, TaskNetwork, TaskProcess, TaskResources, TaskSecurity } from '#contracts/executor/tasks.js';
import { invalid, unclassified } from '#libs/errors/errors.js';
import { DEFAULT_SHM_BYTES } from './resources/check-resources.js';
import type { ContainerSpec } from './container/container-state.js';
import { checkHostShares, hostShares, throttlesOf } from './namespaces/host-shares.js';
import { isIpAddress } from './network/ip-address.js';
import { startMounts } from './mounts/start-mounts.js';
import { type LinkFacts, NO_LINKS } from './network/links.js';
import { checkLog, logOf } from './log/log-options.js';
import { runtimeName } from './runtime-name.js';
import { userNamespaceOf } from './namespaces/user-namespace.js';

/** What the executor is asked to run for one start of a container. Only typed fields: nothing of an image's labels gets here. */
export function launchRequest(spec: ContainerSpec, start: number, endpoint: EndpointSettings | undefined, tickets: readonly AttachTicket[], links: LinkFacts = NO_LINKS, joins: Pick<LaunchFields, 'joins'> = {}, isRemapped = false): LaunchFields {
  const { config, hostConfig } = spec;
  const runtime = runtimeName(hostConfig.Runtime);
  const userNamespace = userNamespaceOf(hostConfig, isRemapped);
  return {
    container: spec.id,
    start,
    name: spec.name,
    process: processOf(spec, links.environment),
    security: securityOf(hostConfig),
    resources: resourcesOf(hostConfig),
    layers: spec.layers,
    readOnlyRoot: hostConfig.ReadonlyRootfs ?? false,
    mounts: startMounts(spec.mounts),
    network: networkOf(spec, endpoint),
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    extraHosts: [...(hostConfig.ExtraHosts ?? []), ...links.hosts],
    dns: nameservers(hostConfig.Dns ?? []),
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    ulimits: hostConfig.Ulimits ?? [],
    sysctls: hostConfig.Sysctls ?? {},
    ...(hostConfig.OomScoreAdj ? { oomScoreAdj: hostConfig.OomScoreAdj } : {}),
    shmSizeBytes: hostConfig.IpcMode === 'none' ? 0 : hostConfig.ShmSize || DEFAULT_SHM_BYTES,
    ...hostShares(hostConfig),
    ...joins,
    ...(userNamespace === undefined ? {} : { userNamespace }),
    // Among the processes of others it would be no init: orphans go to theirs.
    init: (hostConfig.Init ?? false) && (hostConfig.PidMode ?? '') === '',
    log: logOf(spec),
    tickets,
    ...(runtime === OWN_RUNTIME ? {} : { runtime }),
  };
}

/** dockerd finds out at the start. */
function nameservers(addresses: readonly string[]): readonly string[] {
  // Behind a link-local address comes its link.
  const wrong = addresses.find((address) => !isIpAddress(address.replace(/^(fe80:.*)%.+$/i, '$1')));
  if (wrong !== undefined) throw unclassified(`bad nameserver address ${wrong}: ParseAddr(${JSON.stringify(wrong)}): unable to parse IP`);
  return addresses;
}

function processOf(spec: ContainerSpec, linked: readonly string[]): TaskProcess {
  const { config, hostConfig } = spec;
  return {
    args: [spec.path, ...spec.args],
    // A name without a value is for the executor, who takes away what has it.
    env: [...linked, ...(config.Env ?? [])],
    cwd: config.WorkingDir || '/',
    user: config.User ?? '',
    groups: hostConfig.GroupAdd ?? [],
    terminal: config.Tty ?? false,
    rows: hostConfig.ConsoleSize?.[0] ?? 0,
    columns: hostConfig.ConsoleSize?.[1] ?? 0,
    openStdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
  };
}

function securityOf(hostConfig: HostConfig): TaskSecurity {
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const { MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths } = hostConfig;
  const paths = { ...(maskedPaths ? { maskedPaths } : {}), ...(readonlyPaths ? { readonlyPaths } : {}) };
  return { ...paths, privileged: hostConfig.Privileged ?? false, capAdd: hostConfig.CapAdd ?? [], capDrop: hostConfig.CapDrop ?? [], ...security };
}

/** As Go's strconv.ParseBool reads them. */
const TRUTHS = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const FALSEHOODS = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

export function parseSecurityOptions(options: readonly string[]): Pick<TaskSecurity, 'noNewPrivileges' | 'seccomp' | 'apparmor'> {
  let noNewPrivileges = false;
  let seccomp = 'default';
  let apparmor = '';
  for (const option of options) {
    const separator = option.search(/[=:]/);
    const key = separator < 0 ? option : option.slice(0, separator);
    const value = separator < 0 ? '' : option.slice(separator + 1);
    if (key === 'no-new-privileges' && ['', ...TRUTHS, ...FALSEHOODS].includes(value)) noNewPrivileges = value === '' || TRUTHS.includes(value);
    else if (key === 'seccomp' && value !== '') seccomp = value === 'builtin' ? 'default' : value;
    // SELinux's, which dockerd does not have unless it is told to: then it takes whatever is said.
    else if (key === 'label' && separator >= 0) continue;
    // Whether there is such a profile the host says at the start, as with dockerd; one without AppArmor has none, and nothing is asked of it.
    else if (key === 'apparmor' && separator >= 0) apparmor = value;
    else throw unclassified(`invalid --security-opt ${separator < 0 ? 1 : 2}: "${option}"`);
  }
  return { noNewPrivileges, seccomp, ...(apparmor === '' ? {} : { apparmor }) };
}

/** The limits in the executor's terms; 0 and '' are none. */
export function resourcesOf(host: HostConfig): TaskResources {
  return {
    ...(host.Memory ? { memoryBytes: host.Memory } : {}),
    ...(host.MemorySwap ? { memorySwapBytes: host.MemorySwap } : {}),
    ...(host.MemoryReservation ? { memoryReservationBytes: host.MemoryReservation } : {}),
    ...(host.NanoCpus ? { nanoCpus: host.NanoCpus } : {}),
    ...(host.CpuShares ? { cpuShares: host.CpuShares } : {}),
    ...(host.CpuQuota ? { cpuQuota: host.CpuQuota } : {}),
    ...(host.CpuPeriod ? { cpuPeriod: host.CpuPeriod } : {}),
    ...(host.CpuRealtimePeriod ? { cpuRealtimePeriod: host.CpuRealtimePeriod } : {}),
    ...(host.CpuRealtimeRuntime ? { cpuRealtimeRuntime: host.CpuRealtimeRuntime } : {}),
    ...(host.CpusetCpus ? { cpusetCpus: host.CpusetCpus } : {}),
    ...(host.CpusetMems ? { cpusetMems: host.CpusetMems } : {}),
    ...(host.PidsLimit && host.PidsLimit > 0 ? { pidsLimit: host.PidsLimit } : {}),
    ...(host.BlkioWeight ? { blockWeight: host.BlkioWeight } : {}),
    ...(typeof host.MemorySwappiness === 'number' && host.MemorySwappiness >= 0 ? { swappiness: host.MemorySwappiness } : {}),
    ...(host.OomKillDisable ? { oomKillDisable: true } : {}),
    ...throttlesOf(host),
  };
}

function networkOf({ config, hostConfig, linkLocalAddresses }: ContainerSpec, endpoint: EndpointSettings | undefined): TaskNetwork {
  if (config.NetworkDisabled) return { mode: 'none' };
  const mode = hostConfig.NetworkMode ?? 'default';
  if (mode === 'none' || mode === 'host') return { mode };
  if (mode.startsWith('container:')) return { mode: 'container', container: mode.slice('container:'.length) };
  if (!endpoint) throw invalid(`network ${mode} needs an endpoint`);
  return { mode: 'bridge', endpoint, ...(linkLocalAddresses === undefined ? {} : { linkLocalAddresses }) };
}

/** Which network a container's runs need an endpoint of; undefined for none, host and another container's. */
export function networkWithEndpoint({ config, hostConfig }: Pick<ContainerSpec, 'config' | 'hostConfig'>): string | undefined {
  if (config.NetworkDisabled) return undefined;
  const mode = hostConfig.NetworkMode || 'default';
  return mode === 'none' || mode === 'host' || mode.startsWith('container:') ? undefined : mode === 'default' ? 'bridge' : mode;
}

/** Everything in a host configuration that can be told wrong without the host: throws what `docker create` should say. */
export function checkHostConfig(hostConfig: HostConfig): void {
  checkLog(hostConfig);
  parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  checkHostShares(hostConfig);
  const { RestartPolicy: policy, AutoRemove: autoRemove } = hostConfig;
  if (autoRemove && policy?.Name && policy.Name !== 'no') throw invalid("can't create 'AutoRemove' container with restart policy");
  checkRestartPolicy(policy);
}

export function checkRestartPolicy(policy: RestartPolicy | null | undefined): void {
  if (policy?.Name && !['no', 'always', 'unless-stopped', 'on-failure'].includes(policy.Name)) throw invalid(`invalid restart policy: unknown policy '${policy.Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (policy?.MaximumRetryCount && policy.MaximumRetryCount < 0) throw invalid(policy.Name === 'on-failure' ? 'invalid restart policy: maximum retry count cannot be negative' : `invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative`);
  if (policy?.MaximumRetryCount && policy.Name !== 'on-failure') throw invalid(`invalid restart policy: maximum retry count can only be used with 'on-failure'`);
}

import type { ListedContainer } from '#contracts/containers/container-state.js';
import type { HostFacts } from '#contracts/executor/host.js';
import { withoutPassword, type Proxies } from '#libs/settings/proxies.js';
import { BERTH_VERSION } from '#libs/settings/version.js';
import { forVersion } from './fields-by-version.js';

/** GET /info (swagger.yaml, SystemInfo). `now`: RFC 3339. `authorization`: names of the plugins that are asked. `version`: of the API. */
export function dockerInfo(facts: HostFacts, containers: readonly ListedContainer[], images: number, now: string, authorization: readonly string[], proxies: Proxies, version: string): Readonly<Record<string, unknown>> {
  const count = (...statuses: string[]): number => containers.filter((one) => statuses.includes(one.status)).length;
  const fields = {
    ID: facts.engineId,
    Containers: containers.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('created', 'exited', 'dead', 'removing'),
    Images: images,
    Driver: facts.storageDriver,
    DriverStatus: driverStatus(facts),
    Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Authorization: authorization.length > 0 ? authorization : null, Log: ['journald', 'json-file', 'local', 'none', 'syslog'] },
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    // v2 has no such switch.
    OomKillDisable: facts.cgroupVersion === '1',
    IPv4Forwarding: true,
    BridgeNfIptables: facts.bridgeForwarding,
    BridgeNfIp6tables: facts.bridgeForwarding,
    Debug: false,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: now,
    LoggingDriver: 'json-file',
    CgroupDriver: facts.cgroupDriver,
    CgroupVersion: facts.cgroupVersion,
    NEventsListener: 0,
    KernelVersion: facts.kernelVersion,
    OperatingSystem: facts.operatingSystem,
    OSVersion: facts.osVersion,
    OSType: 'linux',
    Architecture: facts.architecture,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: forVersion('registryConfig', { InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'], IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } }, Mirrors: [] }, version),
    NCPU: facts.cpus,
    MemTotal: facts.memoryBytes,
    GenericResources: null,
    DockerRootDir: facts.dataRoot,
    HttpProxy: withoutPassword(proxies.http),
    HttpsProxy: withoutPassword(proxies.https),
    NoProxy: proxies.without,
    Name: facts.hostname,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: BERTH_VERSION,
    Runtimes: Object.fromEntries(facts.runtimes.map((name) => [name, { path: name }])),
    DefaultRuntime: facts.runtimes[0] ?? '',
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'berth-init',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    FirewallBackend: { Driver: 'nftables' },
    SecurityOptions: facts.securityOptions,
    CDISpecDirs: facts.cdiFolders,
    Warnings: facts.warnings,
  };
  return forVersion('info', fields, version);
}

/** Overlay takes no file system without file types in directories for its writable layers, so a container that runs is proof of them. */
function driverStatus({ storageDriver, backingFileSystem }: HostFacts): readonly (readonly [name: string, value: string])[] {
  return storageDriver === 'overlay2' ? [['Backing Filesystem', backingFileSystem], ['Supports d_type', 'true']] : [];
}

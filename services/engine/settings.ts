import { invalid } from '#libs/errors/errors.js';
import { LONGEST_SOCKET_PATH } from '#libs/linux/connect-unix.js';
import { accountFiles } from '#libs/settings/account-files.js';
import { type EngineSettings, readSettings } from '#libs/settings/engine-settings.js';
import { readInsecureRegistries } from '#libs/settings/insecure-registries.js';
import { readLogLimit } from '#libs/settings/log-limit.js';
import { SERVICES } from '#libs/settings/services.js';
import { type Environment, requireKnownNames, setting } from '#libs/settings/setting-table.js';
import { idMapsOf } from '#libs/settings/subordinate-ids.js';
import { telemetrySocket } from '#libs/telemetry/telemetry-socket.js';
import { metricsSettings } from '../executor/metrics-settings.js';
import { type Ipv4Subnet, parseSubnet } from '../networks/domain/ipv4.js';

/** What the supervisor is told beside what every service is told. */
export interface SupervisorSettings extends EngineSettings {
  /** Monitoring address of a server that was there already (BERTH_NATS_MONITOR), "http://127.0.0.1:8222". */
  readonly natsMonitorUrl?: string;
  /** User and group of all processes but the executor (BERTH_USER). */
  readonly user: string;
}

/** Settings of `environment`. Throws, naming the variable, for a value that cannot be: better now than as a service that never comes up. */
export function readSupervisorSettings(environment: Environment = process.env): SupervisorSettings {
  requireKnownNames(environment);
  const settings = readSettings(environment);
  const path = /^(?!.*\/\.\.(\/|$))\/[^\0\n"]*[^\0\n"/]$/; // ".." would lead out of what it is checked for
  check('BERTH_DATA_ROOT', settings.dataRoot, path);
  check('BERTH_RUN_ROOT', settings.runRoot, path);
  check('BERTH_SOCKET', settings.socket, path);
  checkSocketPaths(settings);
  check('BERTH_BRIDGE', settings.bridge, /^(?!(lo|all|default)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/); // IFNAMSIZ leaves 15 bytes; "all" and "default" are sysctls of all links
  checkSubnet(settings.subnet);
  if (settings.natsEmbedded) checkNatsPort(settings);
  check('BERTH_CGROUP_PARENT', settings.cgroupParent, /^(\/(?!\.\.?(\/|$))[A-Za-z0-9_.-]+)+$/);
  check('BERTH_NFT_TABLE', settings.nftTable, /^[A-Za-z][A-Za-z0-9_]*$/);
  const user = setting(environment, 'BERTH_USER');
  check('BERTH_USER', user, /^(?!root$)[a-z_][a-z0-9_-]{0,31}$/); // as root, a hole in HTTP parsing would hold the host
  check('BERTH_USERNS_PRIVATE', settings.usernsPrivate, /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
  metricsSettings(environment);
  if (settings.usernsRemap !== undefined) idMapsOf(settings.usernsRemap, accountFiles());
  readLogLimit(environment);
  readInsecureRegistries(environment);
  const natsMonitorUrl = setting(environment, 'BERTH_NATS_MONITOR');
  if (natsMonitorUrl) check('BERTH_NATS_MONITOR', natsMonitorUrl, /^https?:\/\/[^\s]+$/);
  return { ...settings, user, ...(natsMonitorUrl ? { natsMonitorUrl } : {}) };
}

/** What was made of the supervisor's own settings, as variables; what services alone read is passed on to them as it is (service-table.ts). */
export function settingsEnvironment(settings: SupervisorSettings): Record<string, string> {
  return {
    BERTH_DATA_ROOT: settings.dataRoot,
    BERTH_RUN_ROOT: settings.runRoot,
    BERTH_SOCKET: settings.socket,
    BERTH_BRIDGE: settings.bridge,
    BERTH_SUBNET: settings.subnet,
    BERTH_NATS_PORT: String(settings.natsPort),
    ...(settings.natsEmbedded ? {} : { BERTH_NATS_URL: settings.natsUrl }),
    ...(settings.natsMonitorUrl ? { BERTH_NATS_MONITOR: settings.natsMonitorUrl } : {}),
    BERTH_METRICS_PORT: String(settings.metricsPort),
    BERTH_METRICS_HOST: settings.metricsHost,
    BERTH_APART: settings.apart.join(','),
    BERTH_LOG_LEVEL: settings.logLevel,
    BERTH_CGROUP_PARENT: settings.cgroupParent,
    BERTH_NFT_TABLE: settings.nftTable,
    BERTH_CDI_SPEC_DIRS: settings.cdiFolders.join(':'),
    BERTH_UNDO_SECONDS: String(settings.undoSeconds),
    BERTH_USER: settings.user,
    BERTH_USERNS_PRIVATE: settings.usernsPrivate,
    ...(settings.usernsRemap === undefined ? {} : { BERTH_USERNS_REMAP: settings.usernsRemap }),
  };
}

function check(name: string, value: string, pattern: RegExp): void {
  if (!pattern.test(value)) throw invalid(`${name} is "${value}", which cannot be: it must match ${pattern.source}`);
}

/** bind(2) takes no longer names of sockets: processes make theirs below the run root. */
function checkSocketPaths({ runRoot, socket }: EngineSettings): void {
  const longest = LONGEST_SOCKET_PATH - Math.max(...SERVICES.map((name) => Buffer.byteLength(telemetrySocket({ runRoot: '' }, name))));
  if (Buffer.byteLength(runRoot) > longest) throw invalid(`BERTH_RUN_ROOT is "${runRoot}", which cannot be: with more than ${longest} bytes, names of sockets in it are too long`);
  if (Buffer.byteLength(socket) > LONGEST_SOCKET_PATH) throw invalid(`BERTH_SOCKET is "${socket}", which cannot be: the name of a socket has ${LONGEST_SOCKET_PATH} bytes at the most`);
}

/** Unicast addresses that are not the host's own, no more than the largest private range has. */
function checkSubnet(subnet: string): void {
  const { base, prefixLength } = subnetOf(subnet);
  const first = Math.floor(base / 2 ** 24);
  if (prefixLength < 8 || first === 0 || first === 127 || first >= 224) throw invalid(`BERTH_SUBNET is "${subnet}", which cannot be: containers have no addresses of 0, 127 or from 224 on, and a /8 at the most`);
}

function subnetOf(subnet: string): Ipv4Subnet {
  try {
    return parseSubnet(subnet);
  } catch {
    throw invalid(`BERTH_SUBNET is "${subnet}", which cannot be: an IPv4 network is needed, of a /30 at the least, as 172.17.0.0/16`);
  }
}

/** nats-server would take 0 for any port, and clients know one. */
function checkNatsPort({ natsPort, metricsPort }: EngineSettings): void {
  if (natsPort === 0) throw invalid('BERTH_NATS_PORT is "0", which cannot be: a port of its own is needed');
  if (natsPort === metricsPort) throw invalid(`BERTH_NATS_PORT and BERTH_METRICS_PORT are both ${natsPort}: two servers cannot have one port`);
}

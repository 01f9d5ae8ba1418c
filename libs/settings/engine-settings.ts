import { isIP } from 'node:net';
import { type Environment, setting, type SettingName } from './setting-table.js';
import { readTcpSettings, type TcpSettings } from './tcp-settings.js';
import { type Arrangement, readApart } from './services.js';
import { LOG_LEVELS, type LogLevel } from '#libs/telemetry/log-record.js';

const STORAGE_DRIVERS = ['overlay2', 'vfs'] as const;
export type StorageDriver = (typeof STORAGE_DRIVERS)[number];

/** What one engine is told from outside; read once, at the start of each process, from BERTH_* variables. */
export interface EngineSettings extends Arrangement {
  /** Everything that outlives a reboot. */
  readonly dataRoot: string;
  /** Sockets, pid files and task directories: gone with a reboot. */
  readonly runRoot: string;
  /** The Docker Engine API's unix socket. */
  readonly socket: string;
  /** A descriptor of that socket that listens already, where a service manager holds it. */
  readonly socketFd?: number;
  /** Name of the default network's bridge device. */
  readonly bridge: string;
  /** The default network's addresses, "172.17.0.0/16". */
  readonly subnet: string;
  /** "nats://127.0.0.1:4270" */
  readonly natsUrl: string;
  readonly natsPort: number;
  /** The user that nats-server runs as, told by the supervisor where it starts it: no other process is spoken to at that port. */
  readonly natsUid?: number;
  /** When the supervisor began, told by it: a process that it starts again later is told the same. */
  readonly engineStartedAt?: string;
  /** Prometheus; 0 is off. */
  readonly metricsPort: number;
  /** Where that port is open. */
  readonly metricsHost: string;
  /** Log records below this are not written. */
  readonly logLevel: LogLevel;
  /** Where the Docker Engine API is served beside its socket. */
  readonly tcp?: TcpSettings;
  /** Docker's authorization plugins, asked in this order; none where absent. */
  readonly authorizationPlugins?: readonly string[];
  /** A file that tells who may ask for what (services/gateway/domain/access/read-policy.ts). Absent: whoever can connect may everything. */
  readonly policy?: string;
  /** Below which every container has its own cgroup. */
  readonly cgroupParent: string;
  /** How roots of containers are made; absent: overlay where the kernel makes one, else whole copies. */
  readonly storageDriver?: StorageDriver;
  /** Whose subordinate ids stand for the ids in containers: "default", "user", "user:group" (subordinate-ids.ts). Absent: each id for itself. */
  readonly usernsRemap?: string;
  /** The user of whose subordinate ids a container with a private user namespace has some for itself. */
  readonly usernsPrivate: string;
  /** Folders of files that tell of devices (Container Device Interface), the last one counting most. */
  readonly cdiFolders: readonly string[];
  /** How long a removed container can come back; 0: not at all. */
  readonly undoSeconds: number;
  /** Name of the nftables table that holds all rules of this engine. */
  readonly nftTable: string;
}

export function readSettings(env: Environment): EngineSettings {
  const told = (name: SettingName): string => setting(env, name);
  const runRoot = told('BERTH_RUN_ROOT');
  const tcp = readTcpSettings(env);
  const natsPort = port('BERTH_NATS_PORT', told('BERTH_NATS_PORT'));
  const natsUrl = told('BERTH_NATS_URL');
  const usernsRemap = told('BERTH_USERNS_REMAP');
  const policy = told('BERTH_POLICY');
  if (policy !== '' && !policy.startsWith('/')) throw new Error(`BERTH_POLICY=${policy}: an absolute path is needed`);
  return {
    dataRoot: told('BERTH_DATA_ROOT'),
    runRoot,
    socket: told('BERTH_SOCKET') || `${runRoot}/docker.sock`,
    ...(env['BERTH_SOCKET_FD'] ? { socketFd: Number(env['BERTH_SOCKET_FD']) } : {}),
    bridge: told('BERTH_BRIDGE'),
    subnet: told('BERTH_SUBNET'),
    natsUrl: natsUrl || `nats://127.0.0.1:${natsPort}`,
    natsPort,
    ...(env['BERTH_NATS_UID'] ? { natsUid: Number(env['BERTH_NATS_UID']) } : {}),
    ...(env['BERTH_STARTED_AT'] ? { engineStartedAt: env['BERTH_STARTED_AT'] } : {}),
    natsEmbedded: natsUrl === '',
    apart: readApart(told('BERTH_APART')),
    metricsPort: port('BERTH_METRICS_PORT', told('BERTH_METRICS_PORT')),
    metricsHost: address(told('BERTH_METRICS_HOST')),
    logLevel: logLevel(told('BERTH_LOG_LEVEL')),
    cgroupParent: told('BERTH_CGROUP_PARENT'),
    cdiFolders: folders('BERTH_CDI_SPEC_DIRS', told('BERTH_CDI_SPEC_DIRS')),
    undoSeconds: seconds('BERTH_UNDO_SECONDS', told('BERTH_UNDO_SECONDS')),
    nftTable: told('BERTH_NFT_TABLE'),
    usernsPrivate: told('BERTH_USERNS_PRIVATE'),
    ...(usernsRemap === '' ? {} : { usernsRemap }),
    ...authorizationPlugins(told('BERTH_AUTHORIZATION_PLUGINS')),
    ...(tcp === undefined ? {} : { tcp }),
    ...(policy === '' ? {} : { policy }),
    ...storageDriver(told('BERTH_STORAGE_DRIVER')),
  };
}

function address(text: string): string {
  if (isIP(text) === 0) throw new Error(`BERTH_METRICS_HOST=${text}: not an IP address`);
  return text;
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((one) => one === text);
  if (level === undefined) throw new Error(`BERTH_LOG_LEVEL=${text}: not one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function authorizationPlugins(text: string): { authorizationPlugins?: readonly string[] } {
  if (!text) return {};
  const names = text.split(',');
  for (const name of names) if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) throw new Error(`BERTH_AUTHORIZATION_PLUGINS=${text}: "${name}" is no name of a plugin`);
  return { authorizationPlugins: names };
}

function folders(name: string, text: string): readonly string[] {
  const all = text.split(':');
  for (const folder of all) if (!folder.startsWith('/')) throw new Error(`${name}=${text}: "${folder}" is no absolute path`);
  return all;
}

function storageDriver(text: string): { storageDriver?: StorageDriver } {
  if (!text) return {};
  const driver = STORAGE_DRIVERS.find((one) => one === text);
  if (driver === undefined) throw new Error(`BERTH_STORAGE_DRIVER=${text}: not one of ${STORAGE_DRIVERS.join(', ')}`);
  return { storageDriver: driver };
}

function seconds(name: string, text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new Error(`${name}=${text}: not a whole number of seconds`);
  return Number(text);
}

function port(name: string, text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > 65535) throw new Error(`${name}=${text}: not a port number`);
  return number;
}

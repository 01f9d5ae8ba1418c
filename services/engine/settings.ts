import { invalid } from '#libs/errors/errors.js';
import { accountFiles } from '#libs/settings/account-files.js';
import { idMapsOf } from '#libs/settings/subordinate-ids.js';
import { type EngineSettings, readSettings } from '#libs/settings/engine-settings.js';

/** What the supervisor is told beside what every service is told. */
export interface SupervisorSettings extends EngineSettings {
  /** Monitoring address of a server that was there already (BERTH_NATS_MONITOR), "http://127.0.0.1:8222". */
  readonly natsMonitorUrl?: string;
  /** User and group of all processes but the executor (BERTH_USER). */
  readonly user: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of `environment`. Throws, naming the variable, for a value that cannot be: better now than as a service that never comes up. */
export function readSupervisorSettings(environment: Environment = process.env): SupervisorSettings {
  const settings = readSettings({ ...environment });
  const path = /^\/[^\0\n"]*[^\0\n"/]$/;
  check('BERTH_DATA_ROOT', settings.dataRoot, path);
  check('BERTH_RUN_ROOT', settings.runRoot, path);
  check('BERTH_SOCKET', settings.socket, path);
  check('BERTH_BRIDGE', settings.bridge, /^[A-Za-z0-9_.-]{1,15}$/); // IFNAMSIZ leaves 15 bytes
  check('BERTH_SUBNET', settings.subnet, /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/);
  check('BERTH_CGROUP_PARENT', settings.cgroupParent, /^(\/[A-Za-z0-9_.-]+)+$/);
  check('BERTH_NFT_TABLE', settings.nftTable, /^[A-Za-z][A-Za-z0-9_]*$/);
  const user = environment['BERTH_USER'] || 'berth';
  check('BERTH_USER', user, /^[a-z_][a-z0-9_-]{0,31}$/);
  check('BERTH_USERNS_PRIVATE', settings.usernsPrivate, /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/);
  if (settings.usernsRemap !== undefined) idMapsOf(settings.usernsRemap, accountFiles());
  const natsMonitorUrl = environment['BERTH_NATS_MONITOR'];
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

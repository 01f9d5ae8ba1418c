import { expect, test } from 'vitest';
import { SETTINGS, TOLD_BY_SUPERVISOR, TOLD_TO_TOOLS } from '#libs/settings/setting-table.js';
import { readSupervisorSettings, settingsEnvironment } from './settings.js';

test.each([
  ['BERTH_SUBNET', '999.1.1.1/40'],
  ['BERTH_SUBNET', '300.1.1.0/24'],
  ['BERTH_SUBNET', '10.0.0.0/31'],
  ['BERTH_SUBNET', '0.0.0.0/0'],
  ['BERTH_SUBNET', '127.0.0.0/16'],
  ['BERTH_SUBNET', '224.1.0.0/16'],
  ['BERTH_NATS_PORT', '0'],
  ['BERTH_NATS_PORT', '9323'],
  ['BERTH_NATS_PORT', '0x10'],
  ['BERTH_METRICS_PORT', ' 9323'],
  ['BERTH_INSECURE_REGISTRIES', 'registry:5000,http://registry:5000'],
  ['BERTH_INSECURE_REGISTRIES', '10.0.0.0/8'],
  ['BERTH_POLICY', 'policy.json'],
  ['BERTH_LOG_LIMIT', '64GB'],
  ['BERTH_LOG_LIMIT', '1MiB'],
  ['BERTH_METRICS_LOOK', 'abc'],
  ['BERTH_METRICS_LOOK', 'Infinity'],
  ['BERTH_METRICS_LAST_SEEN', '-1'],
  ['BERTH_CGROUP_PARENT', '/a/../..'],
  ['BERTH_CGROUP_PARENT', '/.'],
  ['BERTH_BRIDGE', 'lo'],
  ['BERTH_BRIDGE', 'all'],
  ['BERTH_BRIDGE', '..'],
  ['BERTH_DATA_ROOT', '/var/lib/../..'],
  ['BERTH_RUN_ROOT', '/run/berth/..'],
  ['BERTH_SOCKET', '/run/berth/../x.sock'],
  ['BERTH_RUN_ROOT', `/run/${'b'.repeat(67)}`],
  ['BERTH_SOCKET', `/run/${'b'.repeat(103)}`],
  ['BERTH_USER', 'root'],
])('%s=%s is refused before anything starts, by name', (name, value) => expect(() => readSupervisorSettings({ [name]: value })).toThrow(name));

test.each([
  ['BERTH_SUBNET', '10.0.0.0/8'],
  ['BERTH_SUBNET', '172.17.0.1/30'],
  ['BERTH_LOG_LIMIT', '2TiB'],
  ['BERTH_METRICS_LOOK', '0.5'],
  ['BERTH_INSECURE_REGISTRIES', 'registry:5000, [::1]:5000,10.0.0.1,docker-registry.example'],
  ['BERTH_CGROUP_PARENT', '/a.slice/..b'],
  ['BERTH_BRIDGE', 'br-lan.10'],
  ['BERTH_RUN_ROOT', '/run/..berth'],
  ['BERTH_RUN_ROOT', `/run/${'b'.repeat(66)}`],
  ['BERTH_SOCKET', `/run/${'b'.repeat(102)}`],
])('%s=%s is taken', (name, value) => expect(() => readSupervisorSettings({ [name]: value })).not.toThrow());

test('where nats-server is somebody else\'s, its port is not asked about', () => expect(readSupervisorSettings({ BERTH_NATS_URL: 'nats://bus:4222', BERTH_NATS_PORT: '9323' }).natsPort).toBe(9323));

test.each([
  ['BERTH_POLICIES', 'BERTH_POLICY'],
  ['BERTH_SUBNETS', 'BERTH_SUBNET'],
  ['BERTH_DATAROOT', 'BERTH_DATA_ROOT'],
  ['BERTH_LOGLEVEL', 'BERTH_LOG_LEVEL'],
])('%s, which nobody reads, is refused and the nearest name told', (name, nearest) => expect(() => readSupervisorSettings({ [name]: '/x' })).toThrow(`there is no setting ${name}: the nearest is ${nearest}`));

test('an empty value is as none, of each setting', () => {
  const empty = Object.fromEntries([...Object.keys(SETTINGS), ...TOLD_BY_SUPERVISOR, 'BERTH_UNHEARD_OF'].map((name) => [name, '']));
  expect(readSupervisorSettings(empty)).toEqual(readSupervisorSettings({}));
});

test('what the supervisor tells its services and what tools are told is no wrong name', () => {
  const told = Object.fromEntries([...TOLD_BY_SUPERVISOR, ...TOLD_TO_TOOLS].map((name) => [name, '3']));
  expect(() => readSupervisorSettings({ ...told, ...settingsEnvironment(readSupervisorSettings({})) })).not.toThrow();
});

import { CONFIG, ENDPOINT_FACTS, HOST_CONFIG, isFields } from './create-request.js';
import { CREDENTIALS } from './registry-auth.js';
import { CHANGES } from './update-request.js';

/** Names that an object's fields may have, and those of the objects in them; a list is as each of its items. */
interface Names {
  readonly exact: ReadonlyMap<string, Names | undefined>;
  /** By their small letters. */
  readonly folded: ReadonlyMap<string, string>;
  /** Of an object whose own names are data, as those of networks are: the names in each of its values. */
  readonly each?: Names;
}

function names(fields: string | Iterable<string>, inner: Readonly<Record<string, Names>> = {}): Names {
  const all = [...(typeof fields === 'string' ? fields.split(' ') : fields), ...Object.keys(inner)];
  return { exact: new Map(all.map((name) => [name, Object.hasOwn(inner, name) ? inner[name] : undefined])), folded: new Map(all.map((name) => [name.toLowerCase(), name])) };
}

const each = (value: Names): Names => ({ exact: new Map(), folded: new Map(), each: value });

const RESTART_POLICY = names('Name MaximumRetryCount');
const THROTTLE = names('Path Rate');
const MOUNT = names('Type Source Target ReadOnly Consistency', {
  BindOptions: names('Propagation NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive'),
  VolumeOptions: names('NoCopy Labels Subpath', { DriverConfig: names('Name Options') }),
  TmpfsOptions: names('SizeBytes Mode Options'),
});
const HOST = names(HOST_CONFIG, {
  Mounts: MOUNT,
  PortBindings: each(names('HostIp HostPort')),
  RestartPolicy: RESTART_POLICY,
  LogConfig: names('Type Config'),
  Ulimits: names('Name Soft Hard'),
  Devices: names('PathOnHost PathInContainer CgroupPermissions'),
  DeviceRequests: names('Driver Count DeviceIDs Capabilities Options'),
  BlkioWeightDevice: names('Path Weight'),
  BlkioDeviceReadBps: THROTTLE, BlkioDeviceWriteBps: THROTTLE, BlkioDeviceReadIOps: THROTTLE, BlkioDeviceWriteIOps: THROTTLE,
});
const HEALTHCHECK = names('Test Interval Timeout StartPeriod StartInterval Retries');
const ENDPOINT = names(['Links', 'Aliases', 'MacAddress', 'DriverOpts', ...ENDPOINT_FACTS], { IPAMConfig: names('IPv4Address IPv6Address LinkLocalIPs') });

/** Of the routes that have a body of names. */
const BODIES: readonly (readonly [path: RegExp, names: Names])[] = [
  [/^\/containers\/create$/, names(CONFIG, { Healthcheck: HEALTHCHECK, HostConfig: HOST, NetworkingConfig: names([], { EndpointsConfig: each(ENDPOINT) }) })],
  [/^\/containers\/[^/]+\/exec$/, names('Cmd Env User WorkingDir Tty AttachStdin AttachStdout AttachStderr Privileged DetachKeys')],
  [/^\/exec\/[^/]+\/start$/, names('Detach Tty ConsoleSize')],
  [/^\/containers\/[^/]+\/update$/, names([...CHANGES, 'PidsLimit'], { RestartPolicy: RESTART_POLICY })],
  [/^\/commit$/, names(CONFIG, { Healthcheck: HEALTHCHECK })],
  [/^\/volumes\/create$/, names('Name Driver Labels DriverOpts ClusterVolumeSpec')],
  [/^\/networks\/create$/, names('Name Driver')],
  [/^\/auth$/, names(CREDENTIALS)],
];

/**
 * A body with its fields named as the API names them: the case of a name means nothing to dockerd, as to Go's JSON, and everything to who reads a body here. Where
 * one has the very name, another of it in other letters is left as it is, and with it to be refused. `path`: of the route, without version and query.
 */
export function withFieldNames(path: string, body: unknown): unknown {
  const found = BODIES.find(([route]) => route.test(path));
  return found === undefined ? body : renamed(body, found[1]);
}

function renamed(value: unknown, known: Names): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => (isFields(item) ? renamed(item, known) : item));
  if (!isFields(value)) return value;
  const { exact, folded, each: inEach } = known;
  if (inEach) return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, renamed(field, inEach)]));
  const taken = new Set(Object.keys(value).filter((name) => exact.has(name)));
  return Object.fromEntries(
    Object.entries(value).map(([given, field]) => {
      const meant = exact.has(given) ? given : folded.get(given.toLowerCase());
      if (meant === undefined || (meant !== given && taken.has(meant))) return [given, field];
      taken.add(meant);
      const inner = exact.get(meant);
      return [meant, inner ? renamed(field, inner) : field];
    }),
  );
}

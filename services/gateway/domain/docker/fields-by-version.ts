import { isAtLeast } from '../api-version.js';

type Fields = Readonly<Record<string, unknown>>;

/** A field that versions have from `since` on, or until before `until`; what it is then. */
interface Versioned {
  readonly name: string;
  readonly since?: string;
  readonly until?: string;
  readonly value?: (fields: Fields) => unknown;
}

const UNUSED_CONFIG = { AttachStderr: false, AttachStdin: false, AttachStdout: false, Domainname: '', Hostname: '', Image: '', OpenStdin: false, StdinOnce: false, Tty: false };
const EMPTY_CONFIG = { Cmd: null, Entrypoint: null, Env: null, Labels: null, OnBuild: null, User: '', Volumes: null, WorkingDir: '' };

/** Of an image: what it was made of is not kept. */
export const CONTAINER_CONFIG = { ...UNUSED_CONFIG, ...EMPTY_CONFIG };

/** As the Engine API's version history tells (docs/api/version-history.md of the Docker Engine): an old client sees what an old engine sent. */
const VERSIONED = {
  imageSummary: [{ name: 'VirtualSize', until: '1.44', value: (image) => image['Size'] }],
  imageInspect: [
    { name: 'VirtualSize', until: '1.44', value: (image) => image['Size'] },
    { name: 'ContainerConfig', until: '1.45', value: () => CONTAINER_CONFIG },
  ],
  /** Of an image: what only containers have was shown with zero values. */
  imageConfig: Object.entries(UNUSED_CONFIG).map(([name, zero]) => ({ name, until: '1.50', value: () => zero })),
  endpoint: [
    { name: 'DNSNames', since: '1.44' },
    { name: 'GwPriority', since: '1.48' },
  ],
  info: [
    { name: 'FirewallBackend', since: '1.49' },
    { name: 'BridgeNfIptables', until: '1.50' },
    { name: 'BridgeNfIp6tables', until: '1.50' },
  ],
  registryConfig: [
    { name: 'AllowNondistributableArtifactsCIDRs', until: '1.47', value: () => null },
    { name: 'AllowNondistributableArtifactsHostnames', until: '1.47', value: () => null },
  ],
  network: [{ name: 'EnableIPv4', since: '1.48' }],
  hostConfig: [
    { name: 'KernelMemory', until: '1.42', value: () => 0 },
    { name: 'KernelMemoryTCP', until: '1.42', value: () => 0 },
  ],
} as const satisfies Readonly<Record<string, readonly Versioned[]>>;

/** The fields of one kind of object as API version `version` has them. */
export function forVersion(kind: keyof typeof VERSIONED, fields: Fields, version: string): Fields {
  const shown: Record<string, unknown> = { ...fields };
  for (const { name, since, until, value } of VERSIONED[kind] as readonly Versioned[]) {
    const is = (since === undefined || isAtLeast(version, since)) && (until === undefined || !isAtLeast(version, until));
    if (!is) delete shown[name];
    else if (value !== undefined) shown[name] = value(fields);
  }
  return shown;
}

import { invalid } from '#libs/errors/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting {
  /** What counts where it is not set, as the variable would say it; "": nothing does, or what is computed. */
  readonly otherwise: string;
  /** Where `otherwise` does not tell it: what README.md calls the default. */
  readonly shown?: string;
  /** As README.md tells it. */
  readonly what: string;
}

/** All settings of people who operate Berth, in README.md's order: a name that is not here is none, and no reader has a default of its own. */
export const SETTINGS = {
  BERTH_DATA_ROOT: { otherwise: '/var/lib/berth', what: 'the folder of all that outlives a reboot' },
  BERTH_RUN_ROOT: { otherwise: '/run/berth', what: 'the folder of sockets and pid files' },
  BERTH_SOCKET: { otherwise: '', shown: '`<run root>/docker.sock`', what: "the API's unix socket" },
  BERTH_USER: { otherwise: 'berth', what: 'the user that all but the executor run as' },
  BERTH_APART: { otherwise: '', what: 'services that are processes and users of their own: names of gateway, containers, images, networks, volumes, or `all`' },
  BERTH_CGROUP_PARENT: { otherwise: '/docker', what: 'the cgroup below which containers have theirs' },
  BERTH_STORAGE_DRIVER: { otherwise: '', shown: 'what the kernel can', what: '`overlay2` or `vfs`' },
  BERTH_UNDO_SECONDS: { otherwise: '900', what: 'for how long a removed container can come back (0: not at all); less when the disk is nearly full; `docker container prune` frees what is kept' },
  BERTH_CDI_SPEC_DIRS: { otherwise: '/etc/cdi:/var/run/cdi', what: "folders where vendors' files tell of devices" },
  BERTH_USERNS_REMAP: { otherwise: '', what: "containers' ids are this user's subordinate ids (Users)" },
  BERTH_USERNS_PRIVATE: { otherwise: 'berth-private', what: 'the user whose subordinate ids private user namespaces have (Users)' },
  BERTH_BRIDGE: { otherwise: 'berth0', what: "the default network's bridge; one that is there already is used, and never removed" },
  BERTH_SUBNET: {
    otherwise: '172.17.0.0/16',
    what: "the default network's addresses; another one of these two counts from the next start on, or once no container has an address of the old: until then `/readyz` and the engine's log tell so",
  },
  BERTH_NFT_TABLE: { otherwise: 'berth', what: 'the nftables table of all rules' },
  BERTH_INSECURE_REGISTRIES: {
    otherwise: '',
    what: "registries, as `registry:5000`, separated by commas, that are asked as this machine's own are: by https whatever their certificate, and over plain HTTP where no TLS comes up; of the others the machine's own CAs are believed, and those of `SSL_CERT_FILE`, `SSL_CERT_DIR`, `NODE_EXTRA_CA_CERTS` and `BERTH_REGISTRY_CERTS`",
  },
  BERTH_REGISTRY_CERTS: {
    otherwise: '/etc/docker/certs.d',
    what: 'as dockerd has it, a folder for each registry, named as its host and port: `*.crt` are CAs, `NAME.cert` and `NAME.key` show us to it; `BERTH_USER` has to be able to read them, and a default folder that is closed to it is passed over; not for registries that are asked whatever their certificate, and what a registry has counts for its server of tokens, too',
  },
  BERTH_TCP: { otherwise: '', what: 'address and port where the API is served beside its socket (TCP)' },
  BERTH_TLS_CA: { otherwise: '', what: "a file: whom clients' certificates are believed from" },
  BERTH_TLS_CERT: { otherwise: '', what: "a file: the API's certificate" },
  BERTH_TLS_KEY: { otherwise: '', what: 'a file: its key' },
  BERTH_TCP_PLAIN: { otherwise: '', what: '`loopback`: without TLS, for this machine' },
  BERTH_POLICY: { otherwise: '', what: 'a file that tells who may ask for what (Roles); without: who can connect is an admin' },
  BERTH_AUTHORIZATION_PLUGINS: { otherwise: '', what: "Docker's authorization plugins, by name, separated by commas (Roles)" },
  BERTH_NATS_PORT: { otherwise: '4270', what: "its own nats-server's port, on 127.0.0.1" },
  BERTH_NATS_URL: {
    otherwise: '',
    what: 'a NATS server that is there already: its users and their rights as in `libs/messaging/permissions.ts`, the password of each in `<data root>/secrets/<user>`; passwords go there as they are, and whoever answers is believed, so nobody else may be able to take its address',
  },
  BERTH_NATS_MONITOR: { otherwise: '', what: "that server's monitoring address, to see whether it syncs" },
  BERTH_LOG_LIMIT: {
    otherwise: '',
    shown: 'half of its disk',
    what: 'what the log of events may grow to, as `200GiB` (`64MiB` or more); with `BERTH_NATS_URL`, what that server allows, for this and the metric; it only grows: some 1.3 KB a health check, and what that prints; at its limit all changes are refused until it has more; the last eighth, at most 64 MiB, is for what stops and removes, and for exits',
  },
  BERTH_LOG_LEVEL: { otherwise: 'info', what: "debug, info, warn or error: of the services' own logs" },
  BERTH_METRICS_PORT: { otherwise: '9323', what: 'of `/metrics`, `/readyz` and `/healthz`; 0: none' },
  BERTH_METRICS_HOST: { otherwise: '127.0.0.1', what: 'the address of that port' },
  BERTH_METRICS_LABELS: {
    otherwise: 'com.docker.compose.project,com.docker.compose.service,com.docker.swarm.service.name,org.label-schema.group',
    shown: "Compose's and the like",
    what: 'labels of containers that become labels of their series; `,`: none',
  },
  BERTH_METRICS_LAST_SEEN: { otherwise: '120', what: 'seconds that series of a stopped container stay' },
  BERTH_METRICS_LOOK: { otherwise: '60', what: 'seconds between two looks at what is dear to find out; 0: at each scrape' },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

/** What the supervisor tells its services alone: people have no use for it. */
export const TOLD_BY_SUPERVISOR = ['BERTH_SOCKET_FD', 'BERTH_NATS_UID', 'BERTH_STARTED_AT'] as const;
/** What set-up and tests are told: programs that are there already, and how tests go. */
export const TOLD_TO_TOOLS = [
  'BERTH_NATS_SERVER',
  'BERTH_DOCKER_CLI',
  'BERTH_DOCKER_REGISTRY',
  'BERTH_FAILPOINTS',
  'BERTH_FAILPOINT_ORDERS',
  'BERTH_FUZZ_SECONDS',
  'BERTH_FUZZ_SEED',
  'BERTH_TEST_PATIENCE',
  'BERTH_VM',
] as const;

/** The value of a setting, or what counts without; an empty one is as none. */
export const setting = (env: Environment, name: SettingName): string => env[name] || SETTINGS[name].otherwise;

/** Throws `invalid` for a variable that nobody reads: BERTH_POLICIES would leave an engine without the policy it was to have. */
export function requireKnownNames(env: Environment): void {
  const known: readonly string[] = [...Object.keys(SETTINGS), ...TOLD_BY_SUPERVISOR, ...TOLD_TO_TOOLS];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('BERTH_') || !env[name] || known.includes(name)) continue;
    const [nearest] = Object.keys(SETTINGS).toSorted((one, other) => distance(name, one) - distance(name, other));
    throw invalid(`there is no setting ${name}: the nearest is ${nearest}`);
  }
}

/** How many letters one has to change, add or leave out (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  Array.from(one).forEach((letter, line) => {
    const next = [line + 1];
    Array.from(other).forEach((its, column) => next.push(Math.min((next[column] ?? 0) + 1, (row[column + 1] ?? 0) + 1, (row[column] ?? 0) + (letter === its ? 0 : 1))));
    row = next;
  });
  return row.at(-1) ?? 0;
}

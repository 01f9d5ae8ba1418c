/** One request of the conformance suite. Names are keys of the golden answers: a renamed request is a new one. */
export interface ApiRequest {
  readonly name: string;
  readonly method: string;
  /** `{name}` stands for what an earlier request kept under that name. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, as a tar archive. */
  readonly archive?: 'busybox' | 'rubbish';
  /** A field of the JSON answer for later requests. */
  readonly keep?: Readonly<Record<string, string>>;
  /** The answer's body is of no interest: an archive. */
  readonly ignoreBody?: boolean;
  /** The schema's path for this answer, where it is to be checked against the official schema. */
  readonly schema?: string;
}

const V = '/v1.41';

const get = (path: string, more: Partial<ApiRequest> = {}): ApiRequest => ({ name: more.name ?? `GET ${path}`, method: 'GET', path: V + path, ...more });
const post = (path: string, body?: unknown, more: Partial<ApiRequest> = {}): ApiRequest => {
  const told = body === undefined ? '' : ` ${JSON.stringify(body).slice(0, 240)}`;
  return { name: more.name ?? `POST ${path}${told}`, method: 'POST', path: V + path, ...(body === undefined ? {} : { body }), ...more };
};
const del = (path: string, more: Partial<ApiRequest> = {}): ApiRequest => ({ name: more.name ?? `DELETE ${path}`, method: 'DELETE', path: V + path, ...more });
const filters = (value: object): string => encodeURIComponent(JSON.stringify(value));
const create = (name: string, body: object, more: Partial<ApiRequest> = {}): ApiRequest => post(`/containers/create${name === '' ? '' : `?name=${name}`}`, body, more);
const filtered = (path: string, value: object): ApiRequest => {
  const joint = path.includes('?') ? '&' : '?';
  return get(`${path}${joint}filters=${filters(value)}`, { name: `GET ${path} filters ${JSON.stringify(value)}` });
};

const SLEEPER = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } };
const TRUE = { Image: 'busybox', Cmd: ['true'] };

const system: readonly ApiRequest[] = [
  { name: 'GET /_ping', method: 'GET', path: '/_ping' },
  { name: 'HEAD /_ping', method: 'HEAD', path: '/_ping' },
  get('/_ping', { name: 'GET /v1.41/_ping' }),
  get('/version', { schema: '/version' }),
  get('/info', { schema: '/info' }),
  { name: 'a version too old', method: 'GET', path: '/v1.10/version' },
  { name: 'a version too new', method: 'GET', path: '/v1.99/version' },
  { name: 'a version that is none', method: 'GET', path: '/vx/version' },
  get('/nowhere'),
  { name: 'a method that a route lacks', method: 'DELETE', path: `${V}/version` },
  get('/events?since=1&until=2'),
  get('/events?since=yesterday&until=2'),
  get('/events?filters=rubbish'),
  filtered('/events?since=1&until=2', { colour: ['red'] }),
];

const containers: readonly ApiRequest[] = [
  get('/containers/json'),
  get('/containers/json?all=1'),
  get('/containers/json?limit=x'),
  get('/containers/json?filters=rubbish'),
  filtered('/containers/json', { colour: ['red'] }),
  filtered('/containers/json', { status: ['sleepy'] }),
  filtered('/containers/json', { exited: ['x'] }),
  filtered('/containers/json', { before: ['nobody'] }),
  filtered('/containers/json', { health: ['rosy'] }),
  filtered('/containers/json', { 'is-task': ['maybe'] }),
  filtered('/containers/json', { publish: ['port'] }),
  post('/containers/create', {}),
  { name: 'create without a body', method: 'POST', path: `${V}/containers/create` },
  { name: 'create with a body that is no JSON', method: 'POST', path: `${V}/containers/create`, body: 'rubbish', headers: { 'content-type': 'application/json' } },
  { name: 'create with text', method: 'POST', path: `${V}/containers/create`, body: TRUE, headers: { 'content-type': 'text/plain' } },
  create('', { Image: 'no-such-image' }),
  create('', { Image: 'No such image' }),
  create('', { ...TRUE, Cmd: undefined, Entrypoint: [] }, { name: 'create with the image\'s own command', keep: { own: 'Id' } }),
  del('/containers/{own}'),
  create('!', TRUE),
  create('a', TRUE),
  create('bad-restart', { ...TRUE, HostConfig: { RestartPolicy: { Name: 'sometimes' } } }),
  create('bad-restart', { ...TRUE, HostConfig: { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } } }),
  create('bad-restart', { ...TRUE, HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } }),
  create('bad-memory', { ...TRUE, HostConfig: { Memory: 1024 } }),
  create('bad-memory', { ...TRUE, HostConfig: { Memory: 33554432, MemorySwap: 1024 } }),
  create('bad-swap', { ...TRUE, HostConfig: { MemorySwap: 33554432 } }),
  create('bad-reservation', { ...TRUE, HostConfig: { Memory: 33554432, MemoryReservation: 67108864 } }),
  create('bad-cpus', { ...TRUE, HostConfig: { NanoCpus: 1000000000000 } }),
  create('bad-cpus', { ...TRUE, HostConfig: { NanoCpus: 1000000000, CpuPeriod: 100000 } }),
  create('bad-period', { ...TRUE, HostConfig: { CpuPeriod: 5 } }),
  create('bad-quota', { ...TRUE, HostConfig: { CpuQuota: 5 } }),
  create('bad-cpuset', { ...TRUE, HostConfig: { CpusetCpus: 'x' } }),
  create('bad-cpuset', { ...TRUE, HostConfig: { CpusetCpus: '4000' } }),
  create('bad-oom', { ...TRUE, HostConfig: { OomScoreAdj: 5000 } }),
  create('bad-shm', { ...TRUE, HostConfig: { ShmSize: -1 } }),
  create('bad-log', { ...TRUE, HostConfig: { LogConfig: { Type: 'json-file', Config: { colour: 'red' } } } }),
  create('bad-bind', { ...TRUE, HostConfig: { Binds: ['relative/path:/x'] } }),
  create('bad-bind', { ...TRUE, HostConfig: { Binds: ['/tmp:relative'] } }),
  create('bad-bind', { ...TRUE, HostConfig: { Binds: ['/tmp:/x:sometimes'] } }),
  create('bad-bind', { ...TRUE, HostConfig: { Binds: ['/tmp:/'] } }),
  create('bad-bind', { ...TRUE, HostConfig: { Binds: ['/tmp:/x', '/etc:/x'] } }),
  create('bad-mount', { ...TRUE, HostConfig: { Mounts: [{ Type: 'parrot', Target: '/x' }] } }),
  create('bad-mount', { ...TRUE, HostConfig: { Mounts: [{ Type: 'bind', Source: '/tmp', Target: '' }] } }),
  create('bad-mount', { ...TRUE, HostConfig: { Mounts: [{ Type: 'tmpfs', Source: '/tmp', Target: '/x' }] } }),
  create('bad-port', { ...TRUE, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '70000' }] } } }),
  create('bad-dir', { ...TRUE, WorkingDir: 'relative' }),
  create('bad-signal', { ...TRUE, StopSignal: 'SIGNOSUCH' }),
  create('bad-env', { ...TRUE, Env: ['=x'] }),
  create('bad-security', { ...TRUE, HostConfig: { SecurityOpt: ['colour=red'] } }),
  create('bad-capability', { ...TRUE, HostConfig: { CapAdd: ['FLY'] } }),
  create('bad-ports', { ...TRUE, HostConfig: { NetworkMode: 'host', PortBindings: { '80/tcp': [{ HostPort: '7000' }] } } }, { keep: { hostPorts: 'Id' } }),
  del('/containers/{hostPorts}'),
  create('bad-sysctl', { ...TRUE, HostConfig: { Sysctls: { 'kernel.panic': '1' } } }),
  create('bad-hostname', { ...TRUE, Hostname: '-x' }),
  create('sleeper', { ...SLEEPER, Labels: { a: 'b' } }, { keep: { sleeper: 'Id' } }),
  create('sleeper', SLEEPER, { name: 'create with a name that is taken' }),
  get('/containers/sleeper/json', { name: 'inspect of one that was created', schema: '/containers/{id}/json' }),
  get('/containers/nobody/json'),
  get('/containers/json?all=1', { name: 'list with one that was created', schema: '/containers/json' }),
  post('/containers/nobody/start'),
  post('/containers/sleeper/stop', undefined, { name: 'stop of one that never ran' }),
  post('/containers/sleeper/kill', undefined, { name: 'kill of one that never ran' }),
  post('/containers/sleeper/resize?h=10&w=10', undefined, { name: 'resize of one that never ran' }),
  get('/containers/sleeper/logs?stdout=1', { name: 'logs of one that never ran' }),
  post('/containers/sleeper/exec', { Cmd: ['true'] }, { name: 'exec in one that never ran' }),
  post('/containers/sleeper/start'),
  post('/containers/sleeper/start', undefined, { name: 'start of one that runs' }),
  get('/containers/sleeper/json', { name: 'inspect of one that runs', schema: '/containers/{id}/json' }),
  get('/containers/json', { name: 'list with one that runs', schema: '/containers/json' }),
  filtered('/containers/json', { label: ['a=b'], status: ['running'], network: ['none'], ancestor: ['busybox'], name: ['slee'] }),
  filtered('/containers/json', { label: ['a=c'] }),
  del('/containers/sleeper', { name: 'remove of one that runs' }),
  post('/containers/sleeper/kill?signal=NOSUCH'),
  post('/containers/nobody/kill'),
  post('/containers/sleeper/resize?h=x&w=10'),
  post('/containers/sleeper/rename'),
  post('/containers/sleeper/rename?name=!'),
  post('/containers/sleeper/rename?name=sleeper'),
  post('/containers/nobody/rename?name=x'),
  post('/containers/sleeper/rename?name=waker'),
  post('/containers/waker/rename?name=sleeper'),
  post('/containers/nobody/wait'),
  get('/containers/sleeper/logs'),
  get('/containers/nobody/logs?stdout=1'),
  get('/containers/sleeper/logs?stdout=1&tail=x'),
  get('/containers/sleeper/logs?stdout=1&since=yesterday'),
  post('/containers/sleeper/stop?t=x'),
  post('/containers/nobody/stop'),
  post('/containers/nobody/restart'),
  post('/containers/nobody/attach?stdout=1&stream=1'),
  post('/containers/nobody/exec', { Cmd: ['true'] }),
  post('/containers/sleeper/exec', {}),
  post('/containers/sleeper/exec', { Cmd: ['echo', 'hello'], AttachStdout: true }, { keep: { exec: 'Id' } }),
  get('/exec/{exec}/json', { name: 'inspect of an exec that was created', schema: '/exec/{id}/json' }),
  post('/exec/{exec}/start', { Detach: false }),
  get('/exec/{exec}/json', { name: 'inspect of an exec that ended', schema: '/exec/{id}/json' }),
  post('/exec/{exec}/start', { Detach: false }, { name: 'start of an exec that ended' }),
  post('/exec/{exec}/resize?h=10&w=10', undefined, { name: 'resize of an exec that ended' }),
  get('/exec/nobody/json'),
  post('/exec/nobody/start', {}),
  post('/exec/nobody/resize?h=1&w=1'),
  post('/containers/sleeper/kill'),
  get('/containers/sleeper/json', { name: 'inspect of one that was killed', schema: '/containers/{id}/json' }),
  get('/containers/json?all=1', { name: 'list with one that was killed', schema: '/containers/json' }),
  post('/containers/sleeper/kill', undefined, { name: 'kill of one that ended' }),
  post('/containers/sleeper/stop', undefined, { name: 'stop of one that ended' }),
  post('/containers/sleeper/wait', undefined, { name: 'wait for one that ended' }),
  post('/containers/sleeper/exec', { Cmd: ['true'] }, { name: 'exec in one that ended' }),
  post('/containers/sleeper/restart?t=1'),
  del('/containers/sleeper?link=1'),
  del('/containers/sleeper?force=1'),
  del('/containers/sleeper', { name: 'remove of one that is gone' }),
  create('speaker', { ...TRUE, Cmd: ['sh', '-c', 'echo out; echo err >&2'] }),
  post('/containers/speaker/start'),
  post('/containers/speaker/wait'),
  get('/containers/speaker/logs?stdout=1&stderr=0'),
  get('/containers/speaker/logs?stdout=0&stderr=1'),
  get('/containers/speaker/logs?stdout=1&tail=0'),
  del('/containers/speaker'),
  create('missing', { ...TRUE, Cmd: ['no-such-command'] }),
  post('/containers/missing/start'),
  get('/containers/missing/json', { name: 'inspect of one whose start failed' }),
  del('/containers/missing'),
  create('published', { Image: 'busybox', Cmd: ['sleep', '1000'], ExposedPorts: { '80/tcp': {}, '53/udp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '28123' }] } } }),
  post('/containers/published/start'),
  get('/containers/published/json', { name: 'inspect of one on the bridge', schema: '/containers/{id}/json' }),
  get('/containers/json', { name: 'list with one on the bridge', schema: '/containers/json' }),
  filtered('/containers/json', { publish: ['28123'] }),
  filtered('/containers/json', { publish: ['80/tcp'] }),
  filtered('/containers/json', { expose: ['53/udp'] }),
  create('clash', { ...TRUE, ExposedPorts: { '80/tcp': {} }, HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '28123' }] } } }),
  post('/containers/clash/start'),
  del('/containers/clash'),
  get('/networks/bridge', { name: 'a network with a container', schema: '/networks/{id}' }),
  del('/containers/published?force=1&v=1'),
  create('options', {
    Image: 'busybox', Cmd: ['true'], Hostname: 'host', Domainname: 'dom.test', User: '1:2', Env: ['A=1', 'B'], WorkingDir: '/tmp', Tty: true, OpenStdin: true, StopSignal: 'SIGUSR1', StopTimeout: 3,
    HostConfig: {
      Binds: ['/tmp:/outside:ro', 'store:/data'], Tmpfs: { '/t': 'size=1m' }, Memory: 67108864, NanoCpus: 500000000, PidsLimit: 30, CapAdd: ['NET_ADMIN'], CapDrop: ['CHOWN'], Dns: ['9.9.9.9'], ExtraHosts: ['a:1.2.3.4'],
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, Ulimits: [{ Name: 'nofile', Soft: 64, Hard: 128 }], SecurityOpt: ['no-new-privileges'], ReadonlyRootfs: true, Init: true, ShmSize: 1048576, Sysctls: { 'net.ipv4.ip_forward': '0' },
    },
  }, { name: 'create with many options' }),
  get('/containers/options/json', { name: 'inspect of one with many options', schema: '/containers/{id}/json' }),
  del('/containers/options?v=1'),
  del('/volumes/store', { name: 'remove of a volume that a container made' }),
];

const images: readonly ApiRequest[] = [
  get('/images/json', { schema: '/images/json' }),
  get('/images/json?filters=rubbish'),
  filtered('/images/json', { colour: ['red'] }),
  filtered('/images/json', { reference: ['busy*'] }),
  filtered('/images/json', { dangling: ['maybe'] }),
  filtered('/images/json', { before: ['nobody'] }),
  get('/images/busybox/json', { schema: '/images/{name}/json' }),
  get('/images/nobody/json'),
  get('/images/Not%20A%20Name/json'),
  get('/images/busybox/history', { schema: '/images/{name}/history' }),
  get('/images/nobody/history'),
  post('/images/busybox/tag?repo=copy&tag=v1'),
  post('/images/busybox/tag?repo=Copy'),
  post('/images/busybox/tag'),
  post('/images/nobody/tag?repo=copy'),
  get('/images/copy:v1/json', { name: 'inspect of a tag' }),
  del('/images/copy:v1'),
  del('/images/nobody'),
  post('/images/create'),
  post('/images/create?fromImage=Not%20A%20Name'),
  post('/images/create?fromImage=127.0.0.1:4999/none&tag=latest'),
  post('/images/create?fromImage=busybox&platform=beos'),
  post('/images/create?fromSrc=-&repo=imported&tag=v1', undefined, { archive: 'busybox', name: 'import of a tar' }),
  post('/images/create?fromSrc=-&repo=Bad', undefined, { archive: 'busybox', name: 'import with a bad name' }),
  del('/images/imported:v1'),
  post('/images/load?quiet=1', undefined, { archive: 'busybox', name: 'load, quietly' }),
  post('/images/load', undefined, { archive: 'busybox', name: 'load' }),
  post('/images/load', undefined, { archive: 'rubbish', name: 'load of rubbish' }),
  get('/images/busybox/get', { ignoreBody: true }),
  get('/images/nobody/get'),
  get('/images/get?names=busybox', { ignoreBody: true }),
];

const volumes: readonly ApiRequest[] = [
  get('/volumes', { name: 'volumes, none' }),
  post('/volumes/create', { Name: 'store', Labels: { a: 'b' } }),
  post('/volumes/create', { Name: 'store' }, { name: 'create of a volume that is there' }),
  post('/volumes/create', { Name: 'a' }),
  post('/volumes/create', { Name: '!' }),
  post('/volumes/create', { Name: 'other', Driver: 'parrot' }),
  post('/volumes/create', { Name: 'other', DriverOpts: { colour: 'red' } }),
  { name: 'volume create without a body', method: 'POST', path: `${V}/volumes/create` },
  get('/volumes/store', { schema: '/volumes/{name}' }),
  get('/volumes/nobody'),
  filtered('/volumes', { name: ['sto'] }),
  filtered('/volumes', { dangling: ['maybe'] }),
  filtered('/volumes', { colour: ['red'] }),
  create('user', { ...TRUE, HostConfig: { Binds: ['store:/data'] } }),
  del('/volumes/store', { name: 'remove of a volume in use' }),
  del('/containers/user'),
  del('/volumes/store'),
  del('/volumes/nobody'),
  del('/volumes/nobody?force=1'),
];

const networks: readonly ApiRequest[] = [
  get('/networks', { schema: '/networks' }),
  get('/networks/bridge', { schema: '/networks/{id}' }),
  get('/networks/host'),
  get('/networks/none'),
  get('/networks/nobody'),
  filtered('/networks', { name: ['brid'] }),
  filtered('/networks', { type: ['strange'] }),
  filtered('/networks', { dangling: ['maybe'] }),
  filtered('/networks', { colour: ['red'] }),
];

/** All groups, in order: each leaves the engine as it found it. */
export const GROUPS: Readonly<Record<string, readonly ApiRequest[]>> = { system, containers, images, volumes, networks };

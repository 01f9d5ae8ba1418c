import 'reflect-metadata';
import { expect, test } from 'vitest';
import { CreateContainer } from '#contracts/containers/commands.js';
import { BerthError } from '#libs/errors/errors.js';
import { requestValidation } from '#libs/messaging/handles.js';
import { commandLine } from '../../services/containers/domain/image-defaults.js';
import { checkHostConfig } from '../../services/containers/domain/launch-request.js';
import { mountRequests } from '../../services/containers/domain/mounts/mount-requests.js';
import { portRequests } from '../../services/containers/domain/network/port-requests.js';
import { readCreateRequest } from '../../services/gateway/domain/requests/create-request.js';
import { readExecRequest } from '../../services/gateway/domain/requests/exec-request.js';
import { secondsOr, SEED } from './fuzzing.js';
import { Dice, mutatedJson } from './mutations.js';

const SECONDS = secondsOr(1);

const CREATE = {
  Hostname: 'box', User: '1:2', Env: ['A=b'], Cmd: ['sh'], Image: 'busybox', Entrypoint: null, Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} }, StopSignal: 'SIGTERM', StopTimeout: 3, Tty: false,
  HostConfig: {
    Binds: ['/a:/b:ro', 'vol:/c'], Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1024, Mode: 511 } }, { Type: 'volume', Source: 'v', Target: '/d' }], Tmpfs: { '/run': 'size=64k' }, NetworkMode: 'default',
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 }, LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } }, CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'],
    Dns: ['1.1.1.1'], ExtraHosts: ['a:1.2.3.4'], SecurityOpt: ['no-new-privileges'], Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }], Sysctls: { 'net.ipv4.ip_forward': '1' }, Memory: 1 << 24, NanoCpus: 1e9, PidsLimit: 10, Isolation: 'default',
  },
  NetworkingConfig: { EndpointsConfig: { default: { Aliases: ['x'], IPAMConfig: null, MacAddress: '' } } },
};
const EXEC = { AttachStdout: true, Cmd: ['sh', '-c', 'true'], Env: ['A=b'], User: '0', WorkingDir: '/', Tty: true, Privileged: false, DetachKeys: 'ctrl-p,ctrl-q' };

/** The way of a body through gateway, contract and the checks of the containers service. */
async function create(body: unknown): Promise<void> {
  const sent: unknown = JSON.parse(JSON.stringify(readCreateRequest(body)));
  const command = (await requestValidation.transform(sent, { type: 'body', metatype: CreateContainer })) as CreateContainer; // the pipe's promise
  checkHostConfig(command.hostConfig);
  commandLine(command.config);
  for (const { target } of mountRequests(command.config, command.hostConfig)) expect(target).toMatch(/^\/[^/]/);
  portRequests(command.config, command.hostConfig);
}

test.each([['containers', CREATE, create], ['execs', EXEC, readExecRequest]] as const)('no body makes the creation of %s fail but as the client\'s own fault', async (_, seed, read) => {
  const dice = new Dice(SEED);
  const until = Date.now() + SECONDS * 500;
  let runs = 0;
  for (; Date.now() < until || runs === 0; runs++) {
    const body = runs === 0 ? seed : mutatedJson(dice, seed);
    try {
      await read(body);
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind === 'internal') throw new Error(`seed ${SEED}, run ${runs}: ${JSON.stringify(body)}`, { cause: error });
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  }
  expect(runs).toBeGreaterThan(20);
}, 30_000 + SECONDS * 2000);

import { execFileSync } from 'node:child_process';
import { startEngine, type TestEngine } from '../engine/engine.js';
import { freeWideSubnet } from '../engine/private-addresses.js';
import type { Peer } from './arguments.js';
import { bareC, type BareLife, ociRuntime } from './bundles.js';
import { dockerdVersion, startDockerd } from './private-dockerd.js';
import { startPodman } from './private-podman.js';
import type { Field } from './program.js';
import { Subject, type Ulimit } from './subject.js';

const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;
const SERVICES = ['supervisor', 'nats', 'executor', 'engine'] as const;

export interface OpenField extends Field, AsyncDisposable {
  readonly engine: TestEngine;
  /** Peers that do not run on this machine, and why. */
  readonly absent: readonly string[];
}

/** Berth and those of `peers` that run here, each in a network namespace of its own, with busybox loaded. Whoever opens it disposes of it: all containers go, and all processes. */
export async function openField(environment: NodeJS.ProcessEnv, peers: ReadonlySet<Peer>): Promise<OpenField> {
  await using ends = new AsyncDisposableStack();
  const absent: string[] = [];
  const optional = async <T>(name: Peer, open: () => Promise<T>): Promise<readonly T[]> => {
    if (!peers.has(name)) return [];
    try {
      return [await open()];
    } catch (error) {
      absent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
  const withImage = async (subject: Subject): Promise<Subject> => {
    ends.defer(async () => {
      await removeContainers(subject);
      subject.close();
    });
    await subject.ask('POST', '/images/load?quiet=1', busyboxImageTar());
    return subject;
  };

  const engine = await startEngine({ BERTH_SUBNET: freeWideSubnet() });
  ends.defer(() => engine.stop());
  const berth = await withImage(new Subject('berth', engine.socket, () => new Map(SERVICES.map((name) => [name, engine.pid(name) ?? 0]))));

  const dockerd = async (program: string, tree?: string): Promise<Subject> => {
    const daemon = await startDockerd(program, [], tree);
    ends.defer(() => daemon.stop());
    return withImage(new Subject(`dockerd ${dockerdVersion(program, tree)}`, daemon.socket, () => new Map([['dockerd', daemon.pid]])));
  };
  const dockerds = peers.has('dockerd') ? [await dockerd(environment['BENCH_DOCKERD'] ?? 'dockerd')] : [];
  dockerds.push(...(await optional('newer-dockerd', () => {
    const tree = environment['BENCH_NEWER_DOCKERD_TREE'];
    if (tree === undefined) throw new Error(environment['BENCH_NEWER_DOCKERD_ABSENT'] ?? 'BENCH_NEWER_DOCKERD_TREE names no tree that it is in');
    return dockerd('dockerd', tree);
  })));

  const runc = environment['BENCH_RUNC'] ?? 'runc';
  const podman = await optional('podman', async () => {
    const path = environment['BENCH_PODMAN'] ?? 'podman';
    const service = await startPodman(path, runc);
    ends.defer(() => service.stop());
    return await withImage(new Subject(versioned(path, 'podman'), service.socket, () => new Map([['podman', service.pid]]), MODEST));
  });
  const bare: BareLife[] = [];
  for (const [name, open] of [
    ['runc', () => ociRuntime(runc, versioned(runc, 'runc'))],
    ['crun', () => ociRuntime(environment['BENCH_CRUN'] ?? 'crun', versioned(environment['BENCH_CRUN'] ?? 'crun', 'crun'))],
    ['bare-c', () => bareC(environment['BENCH_FLOOR'] ?? 'floor')],
  ] as const) {
    for (const one of await optional(name, open)) bare.push(ends.use(one));
  }
  const all = ends.move();
  return { engine, berth, dockerds, podman, bare, absent, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** podman raises two limits for every container unless told otherwise, which takes CAP_SYS_RESOURCE: less than that, it runs without. */
const MODEST: readonly Ulimit[] = [{ Name: 'nofile', Soft: 1024, Hard: 1024 }, { Name: 'nproc', Soft: 4096, Hard: 4096 }];

const versioned = (program: string, name: string): string => `${name} ${/version ([0-9.]+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? ''}`.trim();

/** What work that failed left behind. */
async function removeContainers(subject: Subject): Promise<void> {
  const containers = JSON.parse((await subject.ask('GET', '/containers/json?all=1')).toString('utf8')) as readonly { readonly Id: string }[];
  for (const { Id: id } of containers) await subject.ask('DELETE', `/containers/${id}?force=1`);
}

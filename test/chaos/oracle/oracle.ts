import { readFileSync } from 'node:fs';
import { cgroupsOf, emptyParents, isFrozen, mountsOf } from './host-mounts.js';
import { namesIn, oddFilesIn } from './host-directories.js';
import { containerLink, hostNetwork, portsHeldBy } from './host-network.js';
import { hostProcesses, type HostProcess, type Roots } from './host-processes.js';
import { foldLog, type LogFold } from './log-fold.js';

/** Where one engine lies on the machine. */
export interface EnginePlace extends Roots {
  readonly natsUrl: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly nftTable: string;
}

/** Services of an engine that is up have a socket each; a shim has one in its task's directory. */
const SERVICE_SOCKETS = ['executor.sock', ...['docker.sock', 'images.sock', 'telemetry.sock'].map((name) => `processes/engine/${name}`), 'processes/executor/telemetry.sock'];
/** Namespaces that the executor keeps ready, and one for the odds of counting. */
const MOST_READY_SANDBOXES = 5;
const SNAPSHOT_NAME_DIGITS = 26;

/**
 * An independent look at one engine at rest: what the host holds, against what the log says it should hold. Answers the differences in plain sentences;
 * none: all is as it should be. Shares no code with what it checks: facts come from /proc, /sys, ip(8) and nft(8), the fold is its own.
 */
export async function differences(engine: EnginePlace): Promise<string[]> {
  const log = await foldLog(engine);
  const place = { ...engine, cgroupParents: log.cgroupParents };
  const processes = hostProcesses(place);
  return [...ofTheLog(log), ...ofProcesses(place, log, processes), ...ofCgroupsAndMounts(place, log, processes), ...ofNetwork(place, log, processes), ...ofDirectories(place, log)];
}

const short = (id: string): string => id.slice(0, 12);
const runId = ({ id, run }: { id: string; run: number }): string => `${id}-${run}`;

/** What one part of the log says and another does not. */
function ofTheLog(log: LogFold): string[] {
  const found: string[] = [];
  for (const container of log.containers.values()) {
    const { id, name, status, runs } = container;
    if (status === 'starting' || status === 'removing') found.push(`container ${short(id)} is ${status} for ever`);
    if (container.intent !== undefined) found.push(`container ${short(id)} stands at ${container.intent} for ever`);
    if (log.names.get(name) !== id) found.push(`container ${short(id)} is called ${name}, a name that it does not hold`);
    const task = log.tasks.get(runId(container));
    if (runs && task?.status !== 'running') found.push(`container ${short(id)} runs by the log, and its task ${runId(container)} is ${task?.status ?? 'unknown'}`);
    for (const volume of container.volumes) if (!log.volumes.has(volume)) found.push(`container ${short(id)} uses the volume ${volume}, which does not exist`);
    const endpoint = log.endpoints.get(runId(container));
    if (runs && usesBridge(container.mode) && endpoint === undefined) found.push(`container ${short(id)} runs without an endpoint`);
    if (runs && container.address !== endpoint?.address) found.push(`container ${short(id)} is said to have the address ${container.address ?? 'none'}, and its endpoint has ${endpoint?.address ?? 'none'}`);
  }
  for (const id of log.restoring) found.push(`container ${short(id)} is being restored for ever`);
  for (const [name, holder] of log.names) if (log.containers.get(holder)?.name !== name) found.push(`the name ${name} is held by ${short(holder)}, which ${log.containers.has(holder) ? 'has another' : 'does not exist'}`);
  for (const [endpoint, { container, address }] of log.endpoints) {
    const holder = log.containers.get(container);
    if (!holder?.runs || runId(holder) !== endpoint) found.push(`the address ${address} is held by the endpoint ${short(endpoint)}, which no run has`);
  }
  for (const [id, { status }] of log.tasks) {
    const container = log.containers.get(id.slice(0, id.lastIndexOf('-')));
    if (status === 'requested') found.push(`the task ${id} is requested for ever`);
    if (status === 'running' && !(container?.runs && runId(container) === id)) found.push(`the task ${id} runs, and no container knows`);
  }
  const used = new Set([...log.containers.values()].flatMap(({ volumes }) => volumes));
  for (const volume of log.anonymousVolumes) if (!used.has(volume)) found.push(`the anonymous volume ${short(volume)} belongs to no container`);
  return found;
}

const usesBridge = (mode: string): boolean => mode !== 'none' && mode !== 'host' && !mode.startsWith('container:');

function ofProcesses({ runRoot }: EnginePlace, log: LogFold, processes: readonly HostProcess[]): string[] {
  const found: string[] = [];
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const shims = processes.filter(({ task, isZombie }) => task !== '' && !isZombie);
  for (const [id, { status, pid }] of log.tasks) {
    if (status !== 'running') continue;
    const init = byPid.get(pid);
    if (!init || init.isZombie) found.push(`the task ${id} runs by the log, and its process ${pid} is ${init ? 'dead' : 'not there'}`);
    else if (!id.startsWith(`${init.container}-`)) found.push(`the process ${pid} of the task ${id} is not in its cgroup`);
    if (!shims.some(({ task }) => task === id)) found.push(`the task ${id} runs without a shim`);
  }
  for (const { task, pid } of shims) if (log.tasks.get(task)?.status !== 'running') found.push(`the shim ${pid} keeps the task ${task}, which is ${log.tasks.get(task)?.status ?? 'unknown'}`);
  for (const task of new Set(shims.map((shim) => shim.task))) if (shims.filter((shim) => shim.task === task).length > 1) found.push(`the task ${task} has more than one shim`);
  for (const { pid, comm, container, task } of processes) {
    if (container !== '' && task === '' && !log.containers.get(container)?.runs) found.push(`the process ${pid} (${comm}) is in the cgroup of the container ${short(container)}, which does not run`);
  }
  const executor = processes.find(({ pid }) => pid === pidIn(`${runRoot}/pids/executor`));
  const zygotes = processes.filter(({ comm, parent }) => comm === 'berth-zygote' && parent === executor?.pid);
  if (zygotes.length > 1) found.push(`the executor has ${zygotes.length} zygotes`);
  if (executor && new Set(executor.networkNamespaces).size > MOST_READY_SANDBOXES) found.push(`the executor holds ${new Set(executor.networkNamespaces).size} network namespaces`);
  return found;
}

function ofCgroupsAndMounts(place: EnginePlace, log: LogFold, processes: readonly HostProcess[]): string[] {
  const found: string[] = [];
  const cgroups = cgroupsOf(place);
  for (const [container, hierarchies] of cgroups) if (!log.containers.get(container)?.runs) found.push(`the container ${short(container)}, which does not run, has cgroups in ${hierarchies.join(', ')}`);
  for (const directory of emptyParents(place)) found.push(`the cgroup ${directory} was made for containers, and none is in it`);
  for (const { id, runs } of log.containers.values()) if (runs && !cgroups.has(id)) found.push(`the container ${short(id)} runs without a cgroup`);
  for (const { id, runs, paused } of log.containers.values()) {
    if (runs && isFrozen(place, id, cgroups.get(id) ?? []) !== paused) found.push(`the container ${short(id)} is ${paused ? 'paused by the log, and its processes run' : 'not paused by the log, and its processes stand still'}`);
  }
  for (const { pid, container, task, line } of mountsOf(place, processes)) {
    const target = line.split(' ')[4] ?? '';
    if (target === `${place.dataRoot}/app`) continue; // the engine's own view of its program
    if (target === `${place.runRoot}/root` && log.tasks.get(task)?.status === 'running') continue; // an installed runtime finds the root in its shim's namespace
    if (!log.containers.get(container)?.runs) found.push(`a mount at ${target} is held in the mount namespace of process ${pid}${container === '' ? '' : `, of the container ${short(container)} that does not run`}: ${line.split(' - ')[1] ?? ''}`);
  }
  return found;
}

function ofNetwork({ bridge, subnet, nftTable, runRoot }: EnginePlace, log: LogFold, processes: readonly HostProcess[]): string[] {
  const found: string[] = [];
  const host = hostNetwork(bridge, nftTable);
  const [base = '', prefix = ''] = subnet.split('/');
  const gateway = `${base.split('.').slice(0, 3).join('.')}.${Number(base.split('.')[3]) + 1}/${prefix}`;
  if (host.bridgeAddresses.join() !== gateway) found.push(`the bridge ${bridge} has the addresses ${host.bridgeAddresses.join(', ') || 'none'}, not ${gateway}`);
  const peers = new Set<number>();
  for (const [id, { address }] of log.endpoints) {
    const init = processes.find(({ pid }) => pid === log.tasks.get(id)?.pid);
    const link = init && containerLink(init.pid);
    if (!link) {
      found.push(`the endpoint ${short(id)} has no link in its container`);
      continue;
    }
    if (link.addresses.join() !== `${address}/${prefix}`) found.push(`the endpoint ${short(id)} has the addresses ${link.addresses.join(', ')}, not ${address}/${prefix}`);
    if (!host.ports.has(link.peer)) found.push(`the link of the endpoint ${short(id)} does not end at the bridge`);
    peers.add(link.peer);
  }
  for (const [index, name] of host.ports) if (!peers.has(index)) found.push(`the link ${name} on ${bridge} leads to no container`);
  if (host.published === undefined) return [...found, `the table ${nftTable} is not there`];
  const wished = [...log.endpoints.values()].flatMap(({ address, ports }) => ports.map(({ protocol, hostPort, containerPort }) => `${protocol} . ${hostPort} : ${address} . ${containerPort}`)).sort();
  // A port of one host address is the same with the address before it.
  const published = host.published.map((element) => element.replace(/^\d+(\.\d+){3} \. /, '')).sort();
  for (const element of wished) if (!published.includes(element)) found.push(`the firewall lacks the published port ${element}`);
  for (const element of published) if (!wished.includes(element)) found.push(`the firewall publishes ${element}, which no container asked for`);
  const held = portsHeldBy(pidIn(`${runRoot}/pids/executor`));
  const ports = new Set(Array.from(log.endpoints.values(), (endpoint) => endpoint.ports.map(({ protocol, hostPort }) => `${protocol} . ${hostPort}`)).flat());
  for (const port of ports) if (!port.startsWith('sctp') && !held.has(port)) found.push(`the published port ${port} is held by no socket of the executor`);
  for (const port of held) if (!ports.has(port)) found.push(`the executor holds the port ${port}, which no container asked for`);
  for (const rule of [`ip saddr ${subnet} oifname != "${bridge}" masquerade`, `oifname "${bridge}" drop`]) if (!host.rules.includes(rule)) found.push(`the firewall lacks the rule: ${rule}`);
  return found;
}

function ofDirectories({ dataRoot, runRoot }: EnginePlace, log: LogFold): string[] {
  const found: string[] = [];
  const compare = (what: string, there: readonly string[], wished: ReadonlySet<string>, mustBe: Iterable<string>): void => {
    for (const name of there) if (!wished.has(name)) found.push(`${what} ${short(name)} is on the disk, and unknown to the log`);
    for (const name of mustBe) if (!there.includes(name)) found.push(`${what} ${short(name)} is in the log, and not on the disk`);
  };
  const containers = [...log.containers.values()];
  compare('the directory of container', namesIn(dataRoot, 'containers'), new Set(log.containers.keys()), containers.filter(({ runs }) => runs).map(({ id }) => id));
  compare('the volume', namesIn(dataRoot, 'volumes').filter((name) => name !== '.kept'), log.volumes, log.volumes);
  const kept = namesIn(dataRoot, 'kept');
  for (const [id, runs] of log.kept) if (runs > 0 && !kept.includes(id)) found.push(`nothing is kept of the removed container ${short(id)}, which can come back`);
  for (const name of [...kept, ...namesIn(dataRoot, 'volumes', '.kept')]) if (!log.kept.has(name.replace(/\.volumes$/, ''))) found.push(`${name} is kept on the disk, and no removed container can come back with it`);
  const layers = new Set([...log.images.values()].flatMap((image) => image.layers.map((chainId) => chainId.slice('sha256:'.length, 'sha256:'.length + SNAPSHOT_NAME_DIGITS))));
  compare('the layer', namesIn(dataRoot, 'layers').filter((name) => !name.startsWith('.')), layers, layers);
  compare('the mount points over layer', namesIn(dataRoot, 'layers', '.mounts'), layers, new Set());
  compare('what is known of layer', namesIn(dataRoot, 'layers', '.facts').map((name) => name.replace(/\.json$/, '')), layers, layers);
  const blobs = new Set([...log.images.values()].flatMap((image) => [...image.blobs].map((digest) => digest.slice('sha256:'.length))));
  compare('the blob', namesIn(dataRoot, 'content', 'blobs', 'sha256'), blobs, blobs);
  for (const name of namesIn(dataRoot, 'content', 'ingest')) found.push(`an unfinished blob ${short(name)} is on the disk`);
  const running = new Set([...log.tasks].filter(([, { status }]) => status === 'running').map(([id]) => id));
  compare('the task directory', namesIn(runRoot, 'tasks'), running, running);
  const { sockets, halfWritten } = oddFilesIn(runRoot);
  const expected = new Set([...SERVICE_SOCKETS, ...Array.from(running, (id) => `tasks/${id}/shim.sock`)]);
  for (const socket of sockets) if (!expected.has(socket)) found.push(`the socket ${socket} belongs to nobody`);
  for (const socket of expected) if (!sockets.includes(socket)) found.push(`the socket ${socket} is not there`);
  for (const name of halfWritten) found.push(`a half-written file ${name} is in the run root`);
  return found;
}

function pidIn(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return 0;
  }
}

import type { Healthcheck, HostConfig } from '#contracts/containers/container-config.js';
import { OWN_RUNTIME } from '#contracts/executor/own-runtime.js';
import type { ImageRunConfig } from '#contracts/images/images.js';
import type { Created } from './container-fold.js';
import { beyondImage, commandBeyond } from './beyond-image.js';
import { mountOptions } from './mount-options.js';

/**
 * The `docker run` that makes this container again. Values of variables are shown even where they look like secrets: the log holds them anyway, and
 * without them the command would make another container. The image's own defaults were merged in when it was created: `image` is what it says, where it is there
 * still, and is left out.
 */
export function runCommand({ name, config: merged, hostConfig, linkLocalAddresses }: Created, currentName: string = name, image?: ImageRunConfig): string {
  const config = image === undefined ? merged : beyondImage(merged, image);
  const words = ['docker', 'run', '-d'];
  const option = (flag: string, value: string | number | undefined | null): void => {
    if (value !== undefined && value !== null && value !== '') words.push(flag, String(value));
  };
  const each = (flag: string, values: readonly string[] | null | undefined): void => values?.forEach((value) => option(flag, value));
  const pairs = (flag: string, values: Readonly<Record<string, string>> | null | undefined): void =>
    Object.entries(values ?? {}).forEach(([key, value]) => option(flag, value === '' ? key : `${key}=${value}`));
  // A container in another's network has the other's names, and no ports of its own.
  const isGuest = hostConfig.NetworkMode?.startsWith('container:') ?? false;

  option('--name', currentName);
  if (config.Tty) words.push('-t');
  if (config.OpenStdin) words.push('-i');
  if (hostConfig.AutoRemove) words.push('--rm');
  if (hostConfig.Privileged) words.push('--privileged');
  if (hostConfig.ReadonlyRootfs) words.push('--read-only');
  if (hostConfig.Init) words.push('--init');
  if (hostConfig.PublishAllPorts) words.push('-P');
  const { RestartPolicy: restart } = hostConfig;
  if (restart?.Name && restart.Name !== 'no') option('--restart', `${restart.Name}${restart.MaximumRetryCount ? `:${restart.MaximumRetryCount}` : ''}`);
  if (hostConfig.NetworkMode && !['default', 'bridge'].includes(hostConfig.NetworkMode)) option('--network', hostConfig.NetworkMode);
  for (const [port, bindings] of Object.entries(hostConfig.PortBindings ?? {})) {
    for (const { HostIp: ip = '', HostPort: hostPort = '' } of bindings ?? []) {
      const address = ip.includes(':') ? `[${ip}]` : ip;
      option('-p', address === '' && hostPort === '' ? port : `${address === '' ? '' : `${address}:`}${hostPort}:${port}`);
    }
  }
  for (const port of Object.keys(isGuest ? {} : (config.ExposedPorts ?? {}))) if (!hostConfig.PortBindings?.[port]?.length) option('--expose', port);
  each('-v', hostConfig.Binds);
  each('-v', Object.keys(config.Volumes ?? {}));
  for (const mount of hostConfig.Mounts ?? []) words.push(...mountOptions(mount));
  for (const [target, options] of Object.entries(hostConfig.Tmpfs ?? {})) option('--tmpfs', options === '' ? target : `${target}:${options}`);
  each('-e', config.Env);
  pairs('-l', config.Labels);
  // The CLI has no word for this mode.
  if (hostConfig.UsernsMode === 'private' && config.Labels?.['berth.userns'] === undefined) option('-l', 'berth.userns=private');
  option('-u', config.User);
  option('-w', config.WorkingDir);
  // The engine names an unnamed host after the container's id: the new one gets its own.
  option('--mac-address', config.MacAddress);
  each('--link-local-ip', linkLocalAddresses);
  option('-h', isGuest || hostConfig.UTSMode === 'host' || /^[0-9a-f]{12}$/.test(config.Hostname ?? '') ? '' : config.Hostname);
  option('--stop-signal', config.StopSignal);
  option('--stop-timeout', config.StopTimeout);
  words.push(...healthOptions(config.Healthcheck));
  option('-m', hostConfig.Memory || undefined);
  if (hostConfig.MemorySwap && hostConfig.MemorySwap !== (hostConfig.Memory ?? 0) * 2) option('--memory-swap', hostConfig.MemorySwap);
  option('--cpus', hostConfig.NanoCpus ? hostConfig.NanoCpus / 1e9 : undefined);
  option('-c', hostConfig.CpuShares || undefined);
  option('--cpu-quota', hostConfig.CpuQuota || undefined);
  option('--cpu-period', hostConfig.CpuPeriod || undefined);
  option('--cpu-rt-period', hostConfig.CpuRealtimePeriod || undefined);
  option('--cpu-rt-runtime', hostConfig.CpuRealtimeRuntime || undefined);
  option('--cpuset-cpus', hostConfig.CpusetCpus);
  option('--cpuset-mems', hostConfig.CpusetMems);
  option('--memory-reservation', hostConfig.MemoryReservation || undefined);
  option('--memory-swappiness', hostConfig.MemorySwappiness);
  if (hostConfig.OomKillDisable) words.push('--oom-kill-disable');
  option('--oom-score-adj', hostConfig.OomScoreAdj || undefined);
  option('--blkio-weight', hostConfig.BlkioWeight || undefined);
  words.push(...shareOptions(hostConfig));
  option('--pids-limit', hostConfig.PidsLimit || undefined);
  option('--shm-size', hostConfig.ShmSize && hostConfig.ShmSize !== 67_108_864 ? hostConfig.ShmSize : undefined);
  each('--cap-add', hostConfig.CapAdd);
  each('--cap-drop', hostConfig.CapDrop);
  each('--security-opt', hostConfig.SecurityOpt);
  if (hostConfig.MaskedPaths?.length === 0 && hostConfig.ReadonlyPaths?.length === 0) option('--security-opt', 'systempaths=unconfined');
  each('--dns', hostConfig.Dns);
  each('--dns-search', hostConfig.DnsSearch);
  each('--dns-option', hostConfig.DnsOptions);
  each('--group-add', hostConfig.GroupAdd);
  each('--volumes-from', hostConfig.VolumesFrom);
  pairs('--annotation', hostConfig.Annotations);
  option('--domainname', isGuest ? '' : config.Domainname);
  each('--add-host', hostConfig.ExtraHosts);
  each('--link', hostConfig.Links);
  option('--volume-driver', hostConfig.VolumeDriver);
  option('--log-driver', hostConfig.LogConfig?.Type);
  pairs('--log-opt', hostConfig.LogConfig?.Config);
  option('--runtime', hostConfig.Runtime === OWN_RUNTIME ? '' : hostConfig.Runtime);
  for (const [key, value] of Object.entries(hostConfig.StorageOpt ?? {})) option('--storage-opt', `${key}=${value}`);
  for (const { Driver: driver, Count: count, DeviceIDs: ids } of hostConfig.DeviceRequests ?? []) {
    if (driver === 'cdi') each('--device', ids);
    else option('--gpus', count === -1 ? 'all' : count || `"device=${(ids ?? []).join(',')}"`);
  }
  pairs('--sysctl', hostConfig.Sysctls);
  hostConfig.Ulimits?.forEach(({ Name, Soft, Hard }) => option('--ulimit', `${Name}=${Soft}:${Hard}`));

  const { entrypoint, command } = commandBeyond(config, image);
  const [entry = '', ...entryArguments] = entrypoint ?? [];
  if (entrypoint !== undefined) words.push('--entrypoint', entry);
  words.push(config.Image ?? '', ...entryArguments, ...command);
  return words.map(shellWord).join(' ');
}

/** Devices and namespaces of the host. */
function shareOptions(host: HostConfig): string[] {
  const modes = [['--ipc', host.IpcMode], ['--pid', host.PidMode], ['--uts', host.UTSMode], ['--cgroupns', host.CgroupnsMode], ['--cgroup-parent', host.CgroupParent], ['--userns', host.UsernsMode]] as const;
  const throttles = [
    ['--device-read-bps', host.BlkioDeviceReadBps], ['--device-write-bps', host.BlkioDeviceWriteBps], ['--device-read-iops', host.BlkioDeviceReadIOps], ['--device-write-iops', host.BlkioDeviceWriteIOps],
  ] as const;
  return [
    ...modes.flatMap(([flag, mode]) => (mode && mode !== 'private' ? [flag, mode] : [])),
    ...(host.Devices ?? []).flatMap(({ PathOnHost: source, PathInContainer: target, CgroupPermissions: access }) => ['--device', `${source}:${target || source}:${access || 'rwm'}`]),
    ...(host.DeviceCgroupRules ?? []).flatMap((rule) => ['--device-cgroup-rule', rule]),
    ...(host.BlkioWeightDevice ?? []).flatMap(({ Path, Weight }) => ['--blkio-weight-device', `${Path}:${Weight}`]),
    ...throttles.flatMap(([flag, all]) => (all ?? []).flatMap(({ Path, Rate }) => [flag, `${Path}:${Rate}`])),
  ];
}

/** A check in words ("CMD") comes from an image alone: the CLI has no option for it. */
function healthOptions(check: Healthcheck | null | undefined): string[] {
  const [kind, command = ''] = check?.Test ?? [];
  if (kind === 'NONE') return ['--no-healthcheck'];
  const times = ([['--health-interval', check?.Interval], ['--health-timeout', check?.Timeout], ['--health-start-period', check?.StartPeriod], ['--health-start-interval', check?.StartInterval]] as const)
    .flatMap(([flag, nanoseconds]) => (nanoseconds ? [flag, `${nanoseconds / 1e6}ms`] : []));
  return [...(kind === 'CMD-SHELL' ? ['--health-cmd', command] : []), ...times, ...(check?.Retries ? ['--health-retries', String(check.Retries)] : [])];
}

/** POSIX sh, 2.2.2: within single quotes all is literal but the quote itself. */
const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

import type { MountRequest } from '#contracts/containers/container-config.js';

/** The option of `docker run` that asks for the mount: --mount, or the one of the older two that can say what it cannot. */
export function mountOptions(mount: MountRequest): readonly [flag: string, value: string] {
  const { Type: type, Source: source, Target: target, ReadOnly: readOnly, BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs } = mount;
  const recursive = bind?.NonRecursive ? 'disabled' : bind?.ReadOnlyNonRecursive ? 'writable' : bind?.ReadOnlyForceRecursive ? 'readonly' : undefined;
  const propagation = bind?.Propagation || undefined;
  if (bind?.CreateMountpoint && recursive === undefined) return ['-v', [source, target, [readOnly ? 'ro' : undefined, propagation].filter(Boolean).join(',')].filter(Boolean).join(':')];
  const size = tmpfs?.SizeBytes || undefined;
  const mode = tmpfs?.Mode ? tmpfs.Mode.toString(8) : undefined;
  const others = (tmpfs?.Options ?? []).map((option) => option.join('='));
  if (others.length > 0) return ['--tmpfs', `${target}:${[...fields(['size', size], ['mode', mode]), ...others, ...(readOnly ? ['ro'] : [])].join(',')}`];
  const all = [
    ...fields(['type', type], ['source', source || undefined], ['target', target]), ...(readOnly ? ['readonly'] : []),
    ...fields(['bind-propagation', propagation], ['bind-recursive', recursive], ['volume-subpath', volume?.Subpath || undefined]), ...(volume?.NoCopy ? ['volume-nocopy'] : []),
    ...Object.entries(volume?.Labels ?? {}).map(([key, value]) => `volume-label=${key}=${value}`),
    ...fields(['volume-driver', volume?.DriverConfig?.Name || undefined]), ...Object.entries(volume?.DriverConfig?.Options ?? {}).map(([key, value]) => `volume-opt=${key}=${value}`),
    ...fields(['tmpfs-size', size], ['tmpfs-mode', mode]),
  ];
  return ['--mount', all.map(csvField).join(',')];
}

const fields = (...pairs: readonly (readonly [name: string, value: string | number | undefined])[]): string[] => pairs.flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));

/** RFC 4180: what --mount is read as. */
const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

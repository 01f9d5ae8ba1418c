import { posix } from 'node:path';
import type { ContainerConfig, HostConfig, MountRequest } from '#contracts/containers/container-config.js';
import { invalid, notImplemented, unclassified } from '#libs/errors/errors.js';
import { areBindModes, bindModes, NO_COPY, PROPAGATION } from './bind-modes.js';
import type { BorrowedMount } from './volumes-from.js';

/** One mount as asked for; a volume without a name is anonymous. */
export interface WantedMount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** As inspect shows it. */
  readonly mode: string;
  readonly propagation: string;
  readonly options?: string;
  readonly noCopy: boolean;
  readonly nonRecursive?: boolean;
  readonly readOnlyBelow?: 'never' | 'always';
  /** In the volume, cleaned. */
  readonly subpath?: string;
  /** What the volume is made with, if it is not there. */
  readonly volume?: { readonly labels?: Record<string, string>; readonly driver?: string; readonly options?: Record<string, string> };
  /** `-v` makes a missing host directory, `--mount` refuses. */
  readonly createSource: boolean;
}

/** dockerd's, of a volume that was asked for without a mode. */
const SHARED_LABEL = 'z';

/** All mounts that a container was asked to have: -v, --mount, --tmpfs, those of --volumes-from (`borrowed`), and the volumes that the image declares. A later kind never doubles a target. What an image declares may be named from the root without saying so. */
export function mountRequests(config: ContainerConfig, hostConfig: HostConfig, borrowed: readonly BorrowedMount[] = []): (WantedMount | BorrowedMount)[] {
  const driver = hostConfig.VolumeDriver || 'local';
  const ofDriver = (mount: WantedMount): WantedMount => (mount.type === 'volume' && driver !== 'local' ? { ...mount, volume: { driver } } : mount);
  const mounts = (hostConfig.Mounts ?? []).map(fromMount);
  // With dockerd both are mounted, and that of --mount is what is seen.
  const isCovered = ({ target }: WantedMount): boolean => mounts.some((mount) => mount.type === 'tmpfs' && mount.target === target);
  const fleeting = Object.entries(hostConfig.Tmpfs ?? {}).map(([target, options]) => tmpfs(target, options)).filter((mount) => !isCovered(mount));
  const binds = (hostConfig.Binds ?? []).map(parseBind).map(ofDriver);
  const targets = new Set<string>();
  const claim = ({ target }: WantedMount): void => {
    if (targets.has(target)) throw invalid(`Duplicate mount point: ${target}`);
    targets.add(target);
  };
  for (const mount of [...binds, ...mounts]) claim(mount);
  // A tmpfs at the target of what --mount brings is what is seen: it comes after that.
  const isOverMount = ({ target }: WantedMount): boolean => mounts.some((mount) => mount.target === target);
  for (const mount of fleeting) if (!isOverMount(mount)) claim(mount);
  const explicit = [...binds, ...mounts, ...fleeting];
  const others = borrowed.filter(({ target }) => !targets.has(target));
  for (const { target } of others) targets.add(target);
  const declared = [...new Set(Object.keys(config.Volumes ?? {}).map((target) => cleanTarget(posix.resolve('/', target))))]
    .filter((target) => !targets.has(target))
    .map((target): WantedMount => ofDriver({ type: 'volume', source: '', target, readOnly: false, mode: '', propagation: '', noCopy: false, createSource: false }));
  return [...explicit, ...others, ...declared];
}

/** "src:dst[:modes]", modes that may be empty, or "dst" for an anonymous volume. */
export function parseBind(text: string): WantedMount {
  const parts = text.split(':');
  if (parts.length > 3 || parts.some((part, at) => part === '' && at < 2)) throw unclassified(`invalid volume specification: '${text}'`);
  const [source, target, modeText] = parts.length === 1 ? ['', parts[0] ?? '', ''] : [parts[0] ?? '', parts[1] ?? '', parts[2] ?? ''];
  if (parts.length === 2 && areBindModes(target)) throw unclassified(`invalid volume specification: '${text}'`);
  const modes = bindModes(modeText, unclassified);
  const propagation = modes.find((mode) => PROPAGATION.includes(mode));
  const isBind = source.startsWith('/');
  const foreign = isBind ? modes.includes(NO_COPY) && 'VolumeOptions' : propagation !== undefined && 'BindOptions';
  if (foreign) throw unclassified(`invalid volume specification: '${text}': invalid mount config for type "${isBind ? 'bind' : 'volume'}": field ${foreign} must not be specified`);
  if (!isBind && source.length === 1) throw invalid(`create ${source}: volume name is too short, names should be at least two alphanumeric characters`);
  if (!isBind && source !== '' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(source))
    throw invalid(`create ${source}: "${source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`);
  return {
    type: isBind ? 'bind' : 'volume',
    source,
    target: bindTarget(text, target, isBind ? 'bind' : 'volume'),
    readOnly: modes.includes('ro'),
    mode: modeText || (isBind ? '' : SHARED_LABEL),
    propagation: isBind ? (propagation ?? 'rprivate') : '',
    noCopy: modes.includes(NO_COPY),
    createSource: isBind,
  };
}

/** What only mounts of a type may be told. */
const OPTIONS_OF = [['bind', 'BindOptions'], ['volume', 'VolumeOptions'], ['tmpfs', 'TmpfsOptions']] as const;

function fromMount(mount: MountRequest): WantedMount {
  const wrong = (why: string): Error => invalid(`invalid mount config for type "${String(mount.Type)}": ${why}`);
  if (String(mount.Type) === 'image') throw notImplemented('Berth does not support mounts of type image yet');
  if (!['bind', 'volume', 'tmpfs'].includes(mount.Type)) throw wrong('mount type unknown');
  for (const [type, options] of OPTIONS_OF) if (type !== mount.Type && mount[options]) throw invalid(`${options} must not be specified on mount type "${mount.Type}"`);
  if (!mount.Target) throw wrong('field Target must not be empty');
  if (mount.Type === 'tmpfs' && mount.Source) throw wrong('field Source must not be specified');
  const target = cleanTarget(mount.Target, wrong);
  const readOnly = mount.ReadOnly ?? false;
  const common = { target, readOnly, mode: mount.Type === 'volume' ? SHARED_LABEL : '', createSource: false };
  switch (mount.Type) {
    case 'bind':
      if (!mount.Source) throw wrong('field Source must not be empty');
      if (!mount.Source.startsWith('/')) throw wrong(`invalid mount path: '${mount.Source}' mount path must be absolute`);
      if (mount.BindOptions?.Propagation && !PROPAGATION.includes(mount.BindOptions.Propagation)) throw wrong(`invalid propagation mode: ${mount.BindOptions.Propagation}`);
      return { ...common, ...recursionOf(mount), type: 'bind', source: mount.Source, propagation: mount.BindOptions?.Propagation || 'rprivate', noCopy: true, createSource: mount.BindOptions?.CreateMountpoint ?? false };
    case 'volume':
      return { ...common, ...volumeOf(mount.VolumeOptions), ...subpathOf(mount, wrong), type: 'volume', source: mount.Source ?? '', propagation: '', noCopy: mount.VolumeOptions?.NoCopy ?? false };
    case 'tmpfs': {
      for (const [option = ''] of mount.TmpfsOptions?.Options ?? []) if (!TMPFS_OPTIONS.includes(option)) throw wrong(`invalid option: ${option}`);
      const options = [mount.TmpfsOptions?.SizeBytes ? `size=${BigInt(mount.TmpfsOptions.SizeBytes)}` : '', mount.TmpfsOptions?.Mode ? `mode=${mount.TmpfsOptions.Mode.toString(8)}` : '', ...(mount.TmpfsOptions?.Options ?? []).map((option) => option.join('='))].filter(Boolean).join(',');
      return { ...tmpfs(target, options), readOnly };
    }
  }
}

/** What of a bind holds for the mounts below its source. */
function recursionOf({ BindOptions: options }: MountRequest): Pick<WantedMount, 'nonRecursive' | 'readOnlyBelow'> {
  const { NonRecursive: alone, ReadOnlyNonRecursive: never, ReadOnlyForceRecursive: always } = options ?? {};
  if (never && always) throw invalid('mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive');
  return { ...(alone ? { nonRecursive: true } : {}), ...(never ? { readOnlyBelow: 'never' } : always ? { readOnlyBelow: 'always' } : {}) };
}

function subpathOf({ Source: volume, VolumeOptions: options }: MountRequest, wrong: (why: string) => Error): Pick<WantedMount, 'subpath'> {
  const asked = options?.Subpath;
  if (!asked) return {};
  if (!volume) throw wrong('must not set Subpath when using anonymous volumes');
  const subpath = posix.normalize(asked).replace(/\/$/, '');
  if (subpath === '' || subpath.startsWith('/') || subpath === '..' || subpath.startsWith('../')) throw wrong('subpath must be a relative path within the volume');
  return subpath === '.' ? {} : { subpath };
}

function volumeOf(options: MountRequest['VolumeOptions']): Pick<WantedMount, 'volume'> {
  const { Labels, DriverConfig } = options ?? {};
  const volume = { ...(Labels ? { labels: Labels } : {}), ...(DriverConfig?.Name ? { driver: DriverConfig.Name } : {}), ...(DriverConfig?.Options ? { options: DriverConfig.Options } : {}) };
  return Object.keys(volume).length > 0 ? { volume } : {};
}

function tmpfs(target: string, options: string): WantedMount {
  return { type: 'tmpfs', source: '', target: cleanTarget(target), readOnly: options.split(',').includes('ro'), mode: '', propagation: '', options, noCopy: true, createSource: false };
}

/** What a mount of --mount may be told beside size and mode. */
const TMPFS_OPTIONS = ['exec', 'noexec'];

const bindTarget = (bind: string, target: string, type: string): string => cleanTarget(target, (why) => unclassified(`invalid volume specification: '${bind}': invalid mount config for type "${type}": ${why}`));

function cleanTarget(target: string, wrong: (why: string) => Error = invalid): string {
  if (!target.startsWith('/')) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  const place = posix.resolve(target);
  if (place === '/') throw wrong("invalid specification: destination can't be '/'");
  return place;
}

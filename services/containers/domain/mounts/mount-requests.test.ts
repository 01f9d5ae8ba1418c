import { expect, test } from 'vitest';
import type { HostConfig, MountRequest } from '#contracts/containers/container-config.js';
import { mountRequests, parseBind } from './mount-requests.js';

test('a host folder is bound, and made when it is missing', () =>
  expect(parseBind('/host:/data')).toEqual({ type: 'bind', source: '/host', target: '/data', readOnly: false, mode: '', propagation: 'rprivate', noCopy: false, createSource: true }));
test('a name is a volume, a lone target an anonymous one', () => {
  expect(parseBind('cache:/data')).toMatchObject({ type: 'volume', source: 'cache', target: '/data', createSource: false });
  expect(parseBind('/data')).toMatchObject({ type: 'volume', source: '', target: '/data' });
});
test('modes after the second colon are obeyed', () => {
  expect(parseBind('/host:/data:')).toEqual(parseBind('/host:/data'));
  expect(parseBind('/host:/data:ro,rshared')).toMatchObject({ readOnly: true, propagation: 'rshared' });
  expect(parseBind('cache:/data:nocopy')).toMatchObject({ noCopy: true, readOnly: false });
});
test.each([
  ['/host:/data', ''], ['/host:/data:rw', 'rw'], ['/host:/data:Z,ro', 'Z,ro'], ['/host:/data:ro,rslave', 'ro,rslave'], ['/host:/data:cached', 'cached'],
  ['cache:/data', 'z'], ['cache:/data:rw', 'rw'], ['cache:/data:nocopy', 'nocopy'], ['/data', 'z'],
])('the mode of %s is shown as "%s"', (text, mode) => expect(parseBind(text).mode).toBe(mode));
test('--mount says no mode: its volumes have that which dockerd relabels them by, and what an image declares has none', () => {
  const wanted = mountRequests({ Volumes: { '/declared': {} } }, { Tmpfs: { '/t': '' }, Mounts: [{ Type: 'bind', Source: '/host', Target: '/b', ReadOnly: true }, { Type: 'volume', Source: 'cache', Target: '/v', ReadOnly: true }, { Type: 'volume', Target: '/a' }] });
  expect(wanted.map((mount) => ('mode' in mount ? mount.mode : undefined))).toEqual(['', 'z', 'z', '', '']);
});
test('a mount that cannot be meant is refused', () => {
  for (const text of ['', ':/data', '/host:', '/a:/b:ro:more', '/host:data', '/host:/', '/host:/a/../..', '/host:/data:wrong', './here:/data', 'x:/data']) expect(() => parseBind(text), text).toThrow();
});
test('targets are cleaned, so that one place has one name', () => {
  expect(parseBind('/host:/a//./b/').target).toBe('/a/b');
  expect(parseBind('/host:/bin/../zz').target).toBe('/zz');
  expect(mountRequests({}, { Tmpfs: { '/a/../t': '' } })).toMatchObject([{ target: '/t' }]);
  expect(() => mountRequests({}, { Tmpfs: { t: '' } })).toThrow(/^invalid mount path: 't' mount path must be absolute$/);
  expect(() => mountRequests({}, { Mounts: [{ Type: 'tmpfs', Target: '/bin/..' }] })).toThrow(`invalid mount config for type "tmpfs": invalid specification: destination can't be '/'`);
});
test('what an image declares is a place below the root, however it is named', () => {
  expect(mountRequests({ Volumes: { rel: {}, '/a/../b': {}, '../c': {}, '/rel/': {} } }, {}).map(({ target }) => target)).toEqual(['/rel', '/b', '/c']);
  for (const root of ['/', '', '..', '/a/..']) expect(() => mountRequests({ Volumes: { [root]: {} } }, {}), root).toThrow("destination can't be '/'");
});

test('two mounts at one target are refused', () => expect(() => mountRequests({}, { Binds: ['/a:/data', 'cache:/data/'] })).toThrow('Duplicate mount point: /data'));
test('a volume that the image declares gives way to a mount at its target', () => {
  expect(mountRequests({ Volumes: { '/data': {}, '/more': {} } }, { Binds: ['/host:/data/'] })).toMatchObject([{ type: 'bind', target: '/data' }, { type: 'volume', source: '', target: '/more' }]);
});
test('--mount refuses a relative source, and does not make a missing one', () => {
  expect(() => mountRequests({}, { Mounts: [{ Type: 'bind', Source: 'here', Target: '/data' }] })).toThrow('must be absolute');
  expect(mountRequests({}, { Mounts: [{ Type: 'bind', Source: '/host', Target: '/data', ReadOnly: true }] })).toMatchObject([{ createSource: false, readOnly: true, propagation: 'rprivate' }]);
});
test('size and mode of a tmpfs become its mount options', () => {
  expect(mountRequests({}, { Mounts: [{ Type: 'tmpfs', Target: '/run', TmpfsOptions: { SizeBytes: 4096, Mode: 0o1770 } }] })).toMatchObject([{ type: 'tmpfs', target: '/run', options: 'size=4096,mode=1770' }]);
  expect(mountRequests({}, { Tmpfs: { '/run': 'ro,size=1m' } })).toMatchObject([{ type: 'tmpfs', readOnly: true, options: 'ro,size=1m' }]);
});

test.each<[HostConfig, string]>([
  [{ Mounts: [{ Type: 'bind', Source: '/host', Target: '/data', BindOptions: { Propagation: 'foo' } }] }, 'invalid mount config for type "bind": invalid propagation mode: foo'],
  [{ Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { Options: [['noexec'], ['uid', '5']] } }] }, 'invalid mount config for type "tmpfs": invalid option: uid'],
  [{ Binds: ['/host:/data:ro,ro'] }, 'invalid mode: ro,ro'],
  [{ Binds: ['cache:/data:z,Z'] }, 'invalid mode: z,Z'],
  [{ Binds: ['/host:ro'] }, "invalid volume specification: '/host:ro'"],
  [{ Binds: ['/host:/data:nocopy'] }, 'invalid volume specification: \'/host:/data:nocopy\': invalid mount config for type "bind": field VolumeOptions must not be specified'],
  [{ Binds: ['cache:/data:rslave'] }, 'invalid volume specification: \'cache:/data:rslave\': invalid mount config for type "volume": field BindOptions must not be specified'],
  [{ Mounts: [{ Type: 'bind', Source: '/host', Target: '/data', VolumeOptions: {} }] }, 'VolumeOptions must not be specified on mount type "bind"'],
  [{ Mounts: [{ Type: 'volume', Target: '/data', TmpfsOptions: {} }] }, 'TmpfsOptions must not be specified on mount type "volume"'],
  [{ Binds: ['!:/data'] }, 'create !: volume name is too short, names should be at least two alphanumeric characters'],
  [{ Binds: ['x:/data'] }, 'create x: volume name is too short, names should be at least two alphanumeric characters'],
])('%j is refused in dockerd\'s words', (host, says) => {
  const kind = says.startsWith('invalid mode') || says.startsWith('invalid volume specification') ? 'unclassified' : 'invalid';
  expect(() => mountRequests({}, host)).toThrow(expect.objectContaining({ kind, message: says }) as Error);
});

test('--volume-driver is whose volumes are that -v and the image name, and none that --mount does', () => {
  const wanted = mountRequests({ Volumes: { '/declared': {} } }, { VolumeDriver: 'nfs', Binds: ['named:/named', '/host:/bound'], Mounts: [{ Type: 'volume', Target: '/mounted' }] });
  expect(wanted.map((mount) => ['target' in mount ? mount.target : '', 'volume' in mount ? mount.volume : undefined])).toEqual([['/named', { driver: 'nfs' }], ['/bound', undefined], ['/mounted', undefined], ['/declared', { driver: 'nfs' }]]);
  expect(mountRequests({}, { VolumeDriver: 'local', Binds: ['named:/named'] })[0]).not.toHaveProperty('volume');
});

test('what a volume is to be made with comes along', () => {
  const volume = (VolumeOptions: NonNullable<MountRequest['VolumeOptions']>) => mountRequests({}, { Mounts: [{ Type: 'volume', Source: 'cache', Target: '/data', VolumeOptions }] });
  expect(volume({ Labels: { a: '1' }, DriverConfig: { Name: 'local', Options: { type: 'tmpfs' } } })).toMatchObject([{ volume: { labels: { a: '1' }, driver: 'local', options: { type: 'tmpfs' } } }]);
  expect(mountRequests({}, { Mounts: [{ Type: 'bind', Source: '/host', Target: '/data', BindOptions: { NonRecursive: true } }] })).toMatchObject([{ nonRecursive: true }]);
  expect(mountRequests({}, { Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 4096, Options: [['exec']] } }] })).toMatchObject([{ options: 'size=4096,exec' }]);
});

const subpathOf = (Subpath: string, Source = 'cache') => mountRequests({}, { Mounts: [{ Type: 'volume', Source, Target: '/data', VolumeOptions: { Subpath } }] })[0];
test('a part of a volume is named below it, and cleaned', () => {
  for (const [asked, kept] of [['a/b', 'a/b'], ['./a//b/', 'a/b'], ['a/../b', 'b']] as const) expect(subpathOf(asked)).toMatchObject({ subpath: kept });
  for (const all of ['', '.', 'a/..']) expect(subpathOf(all)).not.toHaveProperty('subpath');
  for (const outside of ['/a', '..', '../x', 'a/../../x', '/']) expect(() => subpathOf(outside), outside).toThrow('invalid mount config for type "volume": subpath must be a relative path within the volume');
  expect(() => subpathOf('a', '')).toThrow('must not set Subpath when using anonymous volumes');
});

test('whether a read-only bind is so for what is mounted below it is asked for, where it is read-only', () => {
  const bind = (BindOptions: NonNullable<MountRequest['BindOptions']>) => mountRequests({}, { Mounts: [{ Type: 'bind', Source: '/host', Target: '/data', ReadOnly: true, BindOptions }] })[0];
  expect(bind({})).not.toHaveProperty('readOnlyBelow');
  expect(bind({ ReadOnlyNonRecursive: true })).toMatchObject({ readOnlyBelow: 'never' });
  expect(bind({ ReadOnlyForceRecursive: true })).toMatchObject({ readOnlyBelow: 'always' });
  expect(() => bind({ ReadOnlyNonRecursive: true, ReadOnlyForceRecursive: true })).toThrow('mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive');
});

// Known to be wrong: the day it is right this fails, and becomes a plain test.
test('an image that declares one volume in two spellings gets it once', () => expect(mountRequests({ Volumes: { '/data': {}, '/data/': {} } }, {})).toHaveLength(1));

test('a mount of an image is known, and not there yet', () => {
  expect(() => mountRequests({}, { Mounts: [{ Type: 'image' as 'bind', Source: 'busybox', Target: '/i' }] })).toThrow('Berth does not support mounts of type image yet');
});

test('of two tmpfs at one target the one of --mount is seen', () => {
  const wanted = mountRequests({}, { Tmpfs: { '/b': 'size=1m', '/c': '' }, Mounts: [{ Type: 'tmpfs', Target: '/b/', TmpfsOptions: { SizeBytes: 4096 } }] });
  expect(wanted.map(({ target }) => target)).toEqual(['/b', '/c']);
  expect(JSON.stringify(wanted)).toContain('4096');
});

test.each(['bind', 'volume'] as const)('a --tmpfs at the target of a --mount of a %s is mounted over it; what else doubles a target is refused', (Type) => {
  const Mounts = [{ Type, Source: '/a', Target: '/b' }];
  expect(mountRequests({}, { Tmpfs: { '/b/': '' }, Mounts }).map((mount) => 'type' in mount && [mount.type, mount.target])).toEqual([[Type, '/b'], ['tmpfs', '/b']]);
  expect(() => mountRequests({}, { Mounts: [...Mounts, ...Mounts] })).toThrow('Duplicate mount point: /b');
  expect(() => mountRequests({}, { Tmpfs: { '/b': '' }, Binds: ['/a:/b'] })).toThrow('Duplicate mount point: /b');
});

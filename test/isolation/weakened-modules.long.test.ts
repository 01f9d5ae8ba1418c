import { expect, test } from 'vitest';
import { patience } from '../engine/patience.js';
import { failuresWithout, type NamedTest } from '../fixtures/weakened-module.js';
import type { Weakness } from '../fixtures/weakened-shim.js';

interface Defence extends Weakness {
  /** What it keeps from happening. */
  readonly against: string;
  readonly test: NamedTest;
}

const ADAPTERS = 'services/executor/adapters';
const TREES = `${ADAPTERS}/trees`;
const IN_ROOT = 'RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)';
const RACED = 'test/isolation/raced-trees.test.js';
/** Races, which a busy machine loses a thousand times over: without its defence, what is open to one waits for a millisecond between its look and what it does. */
const WINDOW = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)';
const USER_FILES = `${ADAPTERS}/runtimes/user-files.test.js`;

/**
 * One line of a compiled module each, and the test that must fail where that line is not as it is. Only tests whose attacks, where they come through, reach no further than their own directory,
 * networks and server. What is in one of these lists is off at the same time, and none of it is in the way of another's test.
 */
const ofTrees: readonly Defence[] = [
  {
    against: "a container's symlink leads a copy out of its root",
    file: `${TREES}/container-root.js`,
    defence: IN_ROOT,
    without: 'RESOLVE_NO_MAGICLINKS)',
    test: { file: `${TREES}/stopped-root.test.js`, named: 'one that leads above the root' },
  },
  {
    against: "a process that is not the container's any more has its root copied",
    file: `${ADAPTERS}/host/container-process.js`,
    defence: "if (!readFileSync(`/proc/self/fd/${held}/cgroup`, 'utf8').includes(container))",
    without: 'if (!readFileSync)',
    test: { file: `${TREES}/container-root.test.js`, named: 'and of no other' },
  },
  {
    against: "a layer's symlink leads its unpacking out of its directory",
    file: `${ADAPTERS}/snapshots/layer-tree.js`,
    defence: IN_ROOT,
    without: 'RESOLVE_NO_MAGICLINKS)',
    test: { file: `${ADAPTERS}/snapshots/layer-store.test.js`, named: 'a symlink to a directory of the host is refused' },
  },
  {
    against: "an image's symlink has a volume filled with files of the host",
    file: `${ADAPTERS}/host/fill-volume.js`,
    defence: `openat2(root, path, constants.O_RDONLY | constants.O_DIRECTORY, 0, ${IN_ROOT}`,
    without: 'openat2(root, path.slice(1), constants.O_RDONLY | constants.O_DIRECTORY, 0, 0)',
    test: { file: `${ADAPTERS}/host/fill-volume.test.js`, named: 'with overlay2 a path that leads out of the image' },
  },
  {
    against: 'a symlink that takes the place of a directory leads an archive to the host',
    file: `${TREES}/archive-tree.js`,
    defence: 'openName(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, ONE_NAME)',
    without: `(${WINDOW}, openName(directory, name, constants.O_RDONLY | constants.O_DIRECTORY, 0))`,
    test: { file: RACED, named: 'an archive holds nothing of what a symlink leads to' },
  },
  {
    against: 'a device that takes the place of a file is opened, with the rights of root, for an archive',
    file: `${TREES}/archive-tree.js`,
    defence: 'yield* file(fd, {',
    without: `yield* file((${WINDOW}, openat2(directory, name, constants.O_RDONLY | constants.O_NONBLOCK, 0, ONE_NAME)), {`,
    test: { file: RACED, named: 'for an archive nothing is opened that is no plain file' },
  },
  {
    against: 'a symlink that takes the place of a directory leads a copy to the host',
    file: `${TREES}/copy-tree.js`,
    defence: 'const source = openat2(from, name, DIRECTORY, 0, ONE_NAME);',
    without: `const source = (${WINDOW}, openat2(from, name, constants.O_RDONLY | constants.O_DIRECTORY, 0, 0));`,
    test: { file: RACED, named: 'a copy holds nothing of it' },
  },
  {
    against: 'it leads to the host what counts the bytes of a tree',
    file: `${TREES}/tree-size.js`,
    defence: 'openat2(parent, name, DIRECTORY, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)',
    without: `(${WINDOW}, openat2(parent, name, constants.O_RDONLY | constants.O_DIRECTORY, 0, 0))`,
    test: { file: RACED, named: 'its size is not counted' },
  },
  {
    against: 'it leads to the host what removes a tree by descriptors',
    file: `${TREES}/remove-tree.js`,
    defence: 'openat2(directory, name, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)',
    without: `(${WINDOW}, openat2(directory, name, constants.O_RDONLY | constants.O_DIRECTORY, 0, 0))`,
    test: { file: RACED, named: 'what is removed by descriptors takes nothing of it along' },
  },
  {
    against: 'it leads to the host what takes a tree off the disk',
    file: 'libs/linux/remove-tree.js',
    defence: 'function removeByDescriptors(path) {',
    without: `function removeByDescriptors(path) {\n    try { for (const name of readdirSync(path)) (${WINDOW}, unlinkSync(path + '/' + name)); } catch { }`,
    test: { file: RACED, named: 'what is taken off the disk takes nothing of it along' },
  },
  {
    against: 'a symlink leads a comparison with the image to the host',
    file: `${TREES}/changed-entries.js`,
    defence: 'constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW, ONE_NAME)',
    without: 'constants.O_RDONLY | constants.O_DIRECTORY, 0)',
    test: { file: `${TREES}/changed-entries.test.js`, named: 'no symlink is followed, on either side' },
  },
  {
    against: 'a name of many parts is walked through symlinks',
    file: 'libs/linux/directory-entries.js',
    defence: 'if (directory !== AT_FDCWD && ',
    without: 'if (directory === -1 && ',
    test: { file: 'libs/linux/linux.test.js', named: 'what is not resolved below a root is one name' },
  },
  {
    against: 'a device in the place of /etc/passwd is opened with the rights of root',
    file: `${TREES}/open-found.js`,
    defence: 'if (!fstatSync(found).isFile())\n        return undefined;',
    without: '',
    test: { file: USER_FILES, named: 'a device is not so much as opened' },
  },
  {
    against: 'the kernel is asked in the place of /etc/passwd',
    file: `${ADAPTERS}/runtimes/user-files.js`,
    defence: 'isMadeUp(found) ? undefined : ',
    without: '',
    test: { file: USER_FILES, named: 'what the kernel makes up is not read' },
  },
  {
    against: 'an /etc/group without end is read',
    file: `${ADAPTERS}/runtimes/user-files.js`,
    defence: 'if (fstatSync(file).size > LIMIT_BYTES)',
    without: 'if (!file)',
    test: { file: USER_FILES, named: 'more than a megabyte is refused' },
  },
  {
    against: 'a file of hosts that grows while it is read is read without end, and written',
    file: `${ADAPTERS}/host/container-files.js`,
    defence: 'if (length > most)',
    without: 'if (length < 0)',
    test: { file: `${ADAPTERS}/host/container-files.test.js`, named: 'the hosts of a container are changed in place' },
  },
];

const ofAllElse: readonly Defence[] = [
  // Not among those of trees: without a root to stay below, these would walk the host's.
  {
    against: 'an archive is unpacked into what the kernel makes up, with the rights of root',
    file: `${TREES}/root-jobs.js`,
    defence: 'if (isMadeUp(directory))',
    without: 'if (!directory)',
    test: { file: `${TREES}/root-jobs.test.js`, named: 'nothing is copied into what the kernel makes up' },
  },
  {
    against: 'an archive holds what the kernel makes up',
    file: `${TREES}/archive-tree.js`,
    defence: ' && !isMadeUp(fd)',
    without: '',
    test: { file: `${TREES}/root-jobs.test.js`, named: 'nor is anything of it copied out' },
  },
  {
    against: "a container gets the host's namespaces for those of another, whose number a process of the host has",
    file: `${ADAPTERS}/host/lent-namespaces.js`,
    defence: 'static of(container, pid, names) {',
    without: 'static of(container, pid, names) {\n        LentNamespaces.prototype.path = (name) => `/proc/${pid}/ns/${name}`;',
    test: { file: `${ADAPTERS}/host/lent-namespaces.test.js`, named: 'stays its own when its first process has ended' },
  },
  {
    against: 'a neighbour of the host reaches a port of a container that is not published',
    file: `${ADAPTERS}/network/rule-set.js`,
    defence: '`oifname "${b.bridge}" drop`',
    without: '',
    test: { file: `${ADAPTERS}/network/network.test.js`, named: 'a published port is reached from far' },
  },
  {
    against: 'a container of an internal network gets out',
    file: `${ADAPTERS}/network/rule-set.js`,
    // Either of the two stops a connection: the answers, too, have to go by.
    defence: '[`iifname "${b.bridge}" oifname != "${b.bridge}" drop`, `oifname "${b.bridge}" iifname != "${b.bridge}" drop`]',
    without: '[]',
    test: { file: `${ADAPTERS}/network/network.test.js`, named: 'bridges do not reach each other' },
  },
  {
    against: 'rules that somebody has flushed are taken to be there',
    file: `${ADAPTERS}/network/firewall.js`,
    defence: 'return replies.some(({ payload }) => rulesInChain(payload) > 0);',
    without: 'return replies.length >= 0;',
    test: { file: `${ADAPTERS}/network/network.test.js`, named: 'that somebody has flushed its rules is told' },
  },
  {
    against: 'a container starts without the rules that somebody has flushed',
    file: 'services/executor/application/networks/networks-on-host.js',
    defence: 'if (!this.firewall.hasRules())',
    without: 'if (!this.firewall)',
    test: { file: 'services/executor/application/networks/networks-on-host.test.js', named: 'rules made anew are followed by what the kernel is to forget' },
  },
  {
    against: 'an image says how its containers are started again',
    file: 'services/containers/application/definition/create-container.js',
    defence: '...(restartWhenUnhealthy === undefined ? {} : { restartWhenUnhealthy })',
    without: 'restartWhenUnhealthy: unhealthyRestartsOf(config.Labels)',
    test: { file: 'services/containers/application/definition/create-container.test.js', named: 'a label steers the engine where the client gave it' },
  },
  {
    against: 'a user called 1000 is the user 1000',
    file: 'services/executor/domain/spec/container-user.js',
    defence: '(numeric === undefined ? name === who : uid === numeric)',
    without: '(name === who)',
    test: { file: 'services/executor/domain/spec/container-user.test.js', named: 'numeric means numeric' },
  },
  {
    against: 'an id wraps around, to that of root',
    file: 'services/executor/domain/spec/container-user.js',
    defence: ' && Number(text) <= LARGEST_ID',
    without: '',
    test: { file: 'services/executor/domain/spec/container-user.test.js', named: 'numbers have bounds' },
  },
  {
    against: "the container's parent is a file that the container can write",
    file: 'libs/linux/sealed-file.js',
    defence: "checked('fcntl F_ADD_SEALS', native.addSeals(copy, ALL_SEALS), { path });",
    without: '',
    test: { file: 'libs/linux/linux.test.js', named: 'a sealed copy cannot be written' },
  },
  {
    against: 'a program that decompresses what is foreign may do all that root may',
    file: 'libs/oci/program-filter.js',
    defence: '{ uid: NOBODY, gid: NOBODY }',
    without: '{}',
    test: { file: 'libs/oci/decompress.test.js', named: 'a program that reads has no rights' },
  },
  {
    against: 'a document is parsed however deep it is',
    file: 'libs/oci/bounded-json.js',
    defence: 'if (++depth > most)',
    without: 'if (++depth > Infinity)',
    test: { file: 'libs/oci/image-documents.test.js', named: 'what is too deep is not parsed' },
  },
  {
    against: 'a document is parsed however long it is',
    file: 'libs/oci/image-config.js',
    defence: "'the image configuration', CONFIG_LIMIT_BYTES)",
    without: "'the image configuration', Infinity)",
    test: { file: 'libs/oci/image-documents.test.js', named: 'a configuration without end is not parsed' },
  },
  {
    against: 'room is made for a header as large as it says',
    file: 'libs/oci/tar-reader.js',
    defence: ' || raw.size > EXTENSION_LIMIT_BYTES)',
    without: ')',
    test: { file: 'libs/oci/tar.test.js', named: 'a header that says that it is large is refused before there is room for it' },
  },
  {
    against: 'an archive says ever more of all its entries',
    file: 'libs/oci/tar-reader.js',
    defence: 'records.size > MOST_GLOBAL_RECORDS || bytes > EXTENSION_LIMIT_BYTES',
    without: 'bytes < 0',
    test: { file: 'libs/oci/tar.test.js', named: 'what is said of all entries is little' },
  },
  {
    against: 'anybody of the host may knock at a socket',
    file: 'libs/linux/unix-socket.js',
    defence: '0o117',
    without: '0o111',
    test: { file: 'libs/messaging/stream-server.test.js', named: "only the engine's user and group may knock" },
  },
  {
    against: 'a ticket opens a stream twice',
    file: 'libs/messaging/stream-server.js',
    defence: 'this.offers.delete(ticket);\n            clearTimeout(offer.expiry);',
    without: '',
    test: { file: 'libs/messaging/stream-server.test.js', named: 'a ticket works once' },
  },
  {
    against: 'who may not have more of the host than others asks for it with an empty list',
    file: 'services/gateway/domain/access/host-powers.js',
    defence: "MaskedPaths: asksUnlessAbsent('security-options')",
    without: "MaskedPaths: asks('security-options')",
    test: { file: 'services/gateway/domain/access/host-powers.test.js', named: '{"MaskedPaths":[]} shows more of the host' },
  },
  {
    against: "another user who has nats-server's port is told a password",
    file: 'libs/nats/connect-nats.js',
    defence: 'if (uid === serverUid)',
    without: 'if (uid !== -1)',
    test: { file: 'libs/nats/connect-nats.test.js', named: 'is not the user that nats-server is hears no password' },
  },
  {
    against: 'a registry gives another manifest for the one that was asked for by its digest',
    file: 'services/images/adapters/registry-client.js',
    defence: 'if (isDigest(tagOrDigest) && digest !== tagOrDigest)',
    without: 'if (!digest)',
    test: { file: 'services/images/adapters/registry-client.test.js', named: 'another than the one of that digest is refused' },
  },
  {
    against: 'a registry gives another layer',
    file: 'services/images/adapters/blob-ingest.js',
    defence: 'if (expected !== undefined && digest !== expected)',
    without: 'if (!digest)',
    test: { file: 'services/images/adapters/content-store.test.js', named: 'what comes for a blob and has another digest' },
  },
  {
    against: 'somebody on the way takes the lines that were for a receiver',
    file: `${ADAPTERS}/logs/stream-outlet.js`,
    defence: 'rejectUnauthorized: !skipVerify',
    without: 'rejectUnauthorized: false',
    test: { file: `${ADAPTERS}/logs/way-to-receiver.test.js`, named: 'TLS is verified unless it was asked not to be' },
  },
  {
    against: 'one service gives the commands of another',
    file: 'libs/messaging/permissions.js',
    defence: '`berth.command.${subjectOf(asked)}`',
    without: '`berth.command.>`',
    test: { file: 'test/credentials/foreign-credentials.test.js', named: 'the credentials of images send no command' },
  },
  {
    against: 'one service tells of what is not its own',
    file: 'libs/messaging/permissions.js',
    defence: '`berth.event.${aggregate}.>`',
    without: '`berth.event.>`',
    test: { file: 'test/credentials/foreign-credentials.test.js', named: "the credentials of volumes append to no other's aggregates" },
  },
];

test.each([
  ['the trees of containers', ofTrees],
  ['all else', ofAllElse],
] as const)('each defence of %s is taken out, and a test says so', async (_, defences) => {
  const failed = await failuresWithout(defences, defences.map(({ test }) => test));
  const said = defences.map(({ against, test: { named } }) => ({ against, failed: failed.filter(({ name }) => name.includes(named)).map(({ message }) => (/AssertionError|@vitest\/expect/.test(message) ? 'by what it expects' : message)) }));
  // Not by a module that does not load.
  expect(said).toEqual(defences.map(({ against }) => ({ against, failed: ['by what it expects'] })));
  expect(failed).toHaveLength(defences.length);
}, patience(300_000));

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What Debian's busybox-static can do is asked of itself; these stay with their package's own names. */
const NOT_LINKED = new Set(['busybox', 'linuxrc']);

/**
 * A tiny image made of the machine's own busybox, as an archive that `docker load` takes: `busybox:latest`, and `hello:latest`, which says
 * hello. The same machine makes the same bytes, so image ids stay. Docker's image specification 1.2 and ustar, pax(1).
 */
export function busyboxImageTar(busyboxPath = '/bin/busybox') {
  const layer = tar(layerEntries(busyboxPath));
  const diffId = sha256(layer);
  const images = [
    { tag: 'busybox:latest', cmd: ['sh'] },
    { tag: 'hello:latest', cmd: ['sh', '-c', HELLO] },
  ].map(({ tag, cmd }) => {
    const config = Buffer.from(JSON.stringify(imageConfig(cmd, diffId)));
    return { tag, config, name: `${sha256(config)}.json` };
  });
  const layerName = `${diffId}/layer.tar`;
  const manifest = images.map(({ tag, name }) => ({ Config: name, RepoTags: [tag], Layers: [layerName] }));
  return tar([
    { path: `${diffId}/`, mode: 0o755 },
    { path: layerName, mode: 0o644, data: layer },
    ...images.map(({ name, config }) => ({ path: name, mode: 0o644, data: config })),
    { path: 'manifest.json', mode: 0o644, data: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

const HELLO = 'echo "Hello from Berth: I am process $$ of container $(hostname), and all that I did is in the log."';

function imageConfig(cmd, diffId) {
  const created = '2025-01-01T00:00:00Z'; // fixed: a new date would be a new image
  return {
    architecture: { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386', ppc64: 'ppc64le', s390x: 's390x', riscv64: 'riscv64' }[process.arch] ?? process.arch,
    os: 'linux',
    created,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: cmd, WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
    history: [{ created, created_by: 'berth: busybox of this machine' }],
  };
}

function layerEntries(busyboxPath) {
  const applets = execFileSync(busyboxPath, ['--list'], { encoding: 'utf8' }).split('\n').filter((name) => name && !NOT_LINKED.has(name));
  const folder = (path, mode = 0o755) => ({ path: `${path}/`, mode });
  const file = (path, text) => ({ path, mode: 0o644, data: Buffer.from(text) });
  return [
    folder('bin'),
    { path: 'bin/busybox', mode: 0o755, data: readFileSync(busyboxPath) },
    ...applets.map((name) => ({ path: `bin/${name}`, mode: 0o777, link: 'busybox' })),
    folder('dev'),
    folder('etc'),
    file('etc/group', 'root:x:0:\ndaemon:x:1:\nusers:x:100:\nnogroup:x:65534:\n'),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n'),
    folder('home'),
    folder('proc', 0o555),
    folder('root', 0o700),
    folder('sys', 0o555),
    folder('tmp', 0o1777),
    folder('usr'),
    folder('usr/bin'),
    { path: 'usr/bin/env', mode: 0o777, link: '../../bin/busybox' },
    folder('var'),
  ];
}

/** A ustar archive. A path that ends in / is a folder; with `link`, a symlink; else a file of `data`. All belongs to root. */
function tar(entries) {
  const blocks = entries.flatMap(({ path, mode, link = '', data = Buffer.alloc(0) }) => {
    const type = link ? '2' : path.endsWith('/') ? '5' : '0';
    return [header(path, mode, type, link, data.length), data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function header(path, mode, type, link, size) {
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long for a plain ustar header`);
  const block = Buffer.alloc(512);
  const octal = (value, offset, length) => block.write(value.toString(8).padStart(length - 1, '0'), offset);
  block.write(path, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8); // uid
  octal(0, 116, 8); // gid
  octal(size, 124, 12);
  octal(0, 136, 12); // mtime
  block.write('        ', 148); // the checksum counts itself as blanks
  block.write(type, 156);
  block.write(link, 157);
  block.write('ustar\u000000', 257, 'latin1');
  block.write('root', 265);
  block.write('root', 297);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return block;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

// `npm run package [-- --version=V] [--out=FOLDER]`: builds berth_V_ARCH.deb, a Debian package with all that Berth runs on but nats-server, into dist/package.
import { chmodSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../setup/build.mjs';
import { run } from '../setup/command.mjs';
import { ensureNpmPackages } from '../setup/npm-packages.mjs';
import { runScript, step } from '../setup/progress.mjs';
import { REPOSITORY } from '../setup/repository.mjs';
import { controlFile } from './debian/control.mjs';

const HOME = 'usr/lib/berth';
const COMPILED = ['contracts', 'libs', 'services', 'native'];
/** What a host's set-up needs; the rest builds and fetches. */
const SETUP = ['link-nats-server', 'nats-server', 'newer-debian', 'debian-sources', 'command', 'exclusively', 'progress'];
const UNITS = ['berth.socket', 'berth.service'];
const COMMAND = '#!/bin/sh\nexec /usr/lib/berth/node_modules/node/bin/node /usr/lib/berth/dist/services/cli/main.js "$@"\n';

await runScript(async () => {
  const { version: own } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const { values } = parseArgs({ options: { version: { type: 'string', default: own }, out: { type: 'string', default: join(REPOSITORY, 'dist/package') } } });
  await ensureNpmPackages();
  await build();
  const architecture = run('dpkg', ['--print-architecture']).trim();
  const target = join(values.out, `berth_${values.version}_${architecture}.deb`);
  const root = mkdtempSync(join(tmpdir(), 'berth-package-'));
  try {
    chmodSync(root, 0o755);
    copyProgram(root);
    copyUnits(root);
    writeControl(root, values.version, architecture);
    mkdirSync(values.out, { recursive: true });
    // Zstandard, as Node alone takes a minute by xz.
    run('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z3', '--build', root, target]);
    step(`built ${target}`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

function copyProgram(root) {
  const home = join(root, HOME);
  const place = (path) => join(home, path);
  for (const folder of COMPILED) {
    cpSync(join(REPOSITORY, 'dist', folder), place(`dist/${folder}`), { recursive: true, filter: (path) => !/\.test\.js(\.map)?$|\/testing$|plan_ops\.h$/.test(path) });
  }
  for (const name of SETUP) copy(join(REPOSITORY, `services/engine/setup/${name}.mjs`), place(`services/engine/setup/${name}.mjs`), 0o644);
  copy(join(REPOSITORY, 'package.json'), place('package.json'), 0o644);
  for (const path of productionPackages()) {
    cpSync(join(REPOSITORY, path), place(path), { recursive: true, filter: (from) => basename(from) !== 'node_modules' });
  }
  write(join(root, 'usr/bin/berth'), COMMAND, 0o755);
  copy(join(REPOSITORY, 'README.md'), join(root, 'usr/share/doc/berth/README.md'), 0o644);
  copy(join(REPOSITORY, 'ARCHITECTURE.md'), join(root, 'usr/share/doc/berth/ARCHITECTURE.md'), 0o644);
}

/** Folders of the packages that run, each without those nested in it. What only fetches Node is not among them. */
function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([path, { dev, devOptional }]) =>
    path !== '' && !dev && !devOptional && !path.startsWith('node_modules/node/') && !/^node_modules\/node-(bin-setup|linux-)/.test(path) && existsSync(join(REPOSITORY, path)) ? [path] : []);
}

function copyUnits(root) {
  for (const unit of UNITS) copy(join(REPOSITORY, 'services/engine/package', unit), join(root, 'usr/lib/systemd/system', unit), 0o644);
  copy(join(REPOSITORY, 'services/engine/package/debian/default'), join(root, 'etc/default/berth'), 0o644);
}

function writeControl(root, version, architecture) {
  const kib = Math.ceil(bytesBelow(root) / 1024);
  write(join(root, 'DEBIAN/control'), controlFile({ version, architecture, kib }), 0o644);
  write(join(root, 'DEBIAN/conffiles'), '/etc/default/berth\n', 0o644);
  for (const script of ['postinst', 'prerm', 'postrm']) copy(join(REPOSITORY, 'services/engine/package/debian', script), join(root, 'DEBIAN', script), 0o755);
}

function copy(from, to, mode) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, mode);
}

function write(path, text, mode) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

function bytesBelow(folder) {
  return readdirSync(folder, { recursive: true }).reduce((sum, name) => {
    const stat = lstatSync(join(folder, name));
    return sum + (stat.isFile() ? stat.size : 0);
  }, 0);
}

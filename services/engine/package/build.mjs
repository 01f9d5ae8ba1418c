// `npm run package [-- --version=V] [--out=FOLDER]`: builds berth_V_ARCH.deb, a Debian package with all that Berth runs on but nats-server, into dist/package.
import { chmodSync, copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from '../setup/build.mjs';
import { run } from '../setup/command.mjs';
import { ensureNpmPackages } from '../setup/npm-packages.mjs';
import { runScript, step } from '../setup/progress.mjs';
import { REPOSITORY } from '../setup/repository.mjs';
import { controlFile } from './debian/control.mjs';
import { copyrightFile } from './debian/copyright.mjs';
import { libcVersion } from './debian/libc-version.mjs';

const HOME = 'usr/lib/berth';
const COMPILED = ['bundled', 'contracts', 'libs', 'services', 'native'];
/** What a host's set-up needs; the rest builds and fetches. */
const SETUP = ['compiled-code', 'link-nats-server', 'nats-server', 'newer-debian', 'debian-sources', 'command', 'exclusively', 'progress'];
/** What README.md and ARCHITECTURE.md point to, beside them. */
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'LICENSE', 'observability', 'charts', 'contracts/generated/openapi.json', 'test/README.md', 'test/bench/README.md', 'test/bench/floor.c', 'test/isolation/README.md', 'services/executor/adapters/network/README.md'];
const DOCUMENTATION = 'usr/share/doc/berth';
/** Where shells look for what completes a command's words, by their names. */
const COMPLETIONS = { bash: 'usr/share/bash-completion/completions/berth', zsh: 'usr/share/zsh/vendor-completions/_berth', fish: 'usr/share/fish/vendor_completions.d/berth.fish' };
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
    copyDocuments(root);
    await writeCompletions(root);
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
    cpSync(join(REPOSITORY, 'dist', folder), place(`dist/${folder}`), { recursive: true, filter: (path) => !/\.test\.js(\.map)?$|\/testing$|plan_ops\.h$|native\/floor$|bundled\/compiled(\.new)?$/.test(path) });
  }
  for (const name of SETUP) copy(join(REPOSITORY, `services/engine/setup/${name}.mjs`), place(`services/engine/setup/${name}.mjs`), 0o644);
  copy(join(REPOSITORY, 'package.json'), place('package.json'), 0o644);
  for (const path of productionPackages()) {
    cpSync(join(REPOSITORY, path), place(path), { recursive: true, filter: (from) => basename(from) !== 'node_modules' });
  }
  write(join(root, 'usr/bin/berth'), COMMAND, 0o755);
}

function copyDocuments(root) {
  const folder = join(root, DOCUMENTATION);
  for (const document of DOCUMENTS) {
    const path = join(REPOSITORY, document);
    const files = lstatSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map((name) => join(document, name)).filter((name) => lstatSync(join(REPOSITORY, name)).isFile()) : [document];
    for (const file of files) copy(join(REPOSITORY, file), join(folder, file), 0o644);
  }
  write(join(folder, 'copyright'), copyrightFile(REPOSITORY, productionPackages()), 0o644);
}

async function writeCompletions(root) {
  const { scriptFor } = await import(pathToFileURL(join(REPOSITORY, 'dist/services/cli/shell-scripts.js')).href);
  for (const [shell, path] of Object.entries(COMPLETIONS)) write(join(root, path), `${scriptFor(shell)}\n`, 0o644);
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
  const libc = libcVersion([join(root, HOME, 'dist/native/linux.node'), join(root, HOME, 'node_modules/node/bin/node')]);
  write(join(root, 'DEBIAN/control'), controlFile({ version, architecture, kib, libc }), 0o644);
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

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patience } from '../engine/patience.js';

/** The Debian package: built as `npm run package` does it, unpacked beside the host and not installed (test:package-vm installs it). */
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const can = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const hasDpkg = can('dpkg-deb');
const VERSION = '0.0.1~test';
const folder = mkdtempSync(join(tmpdir(), 'berth-package-test-'));
const root = join(folder, 'root');
const control = join(root, 'DEBIAN');
const home = join(root, 'usr/lib/berth');
const node = join(home, 'node_modules/node/bin/node');

beforeAll(() => {
  if (!hasDpkg) return;
  execFileSync(process.execPath, [join(REPOSITORY, 'services/engine/package/build.mjs'), `--version=${VERSION}`, `--out=${folder}`], { stdio: 'pipe' });
  const file = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
  execFileSync('dpkg-deb', ['--raw-extract', join(folder, file), root]);
}, patience(300_000));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(!hasDpkg)('its control file names it, and all of its files are root’s and writable by root alone', () => {
  const text = readFileSync(join(control, 'control'), 'utf8');
  expect(text).toContain(`Package: berth\nVersion: ${VERSION}\n`);
  expect(text.split('\n').filter((line) => line.startsWith('Depends:') && line.includes('nftables'))).toHaveLength(1);
  const file = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
  const listed = execFileSync('dpkg-deb', ['--contents', join(folder, file)], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).trim().split('\n');
  const odd = listed.filter((line) => !/^[-dl]\S{4}[-][-rx]{2}[-][-x] root\/root /.test(line) && !line.startsWith('l'));
  expect(odd).toEqual([]);
});

test.skipIf(!hasDpkg)('settings are a conffile', () => {
  const conffiles = readFileSync(join(control, 'conffiles'), 'utf8').trim().split('\n');
  expect(conffiles).toEqual(['/etc/default/berth']);
  for (const path of conffiles) expect(existsSync(join(root, path))).toBe(true);
});

test.skipIf(!hasDpkg)('its scripts are shell that parses', () => {
  for (const script of ['postinst', 'prerm', 'postrm']) execFileSync('/bin/sh', ['-n', join(control, script)]);
});

/** Enables by a link, as systemd does; a unit that runs has a file. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >> "$STATE/asked"
verb=$1
link() { case $1 in *.socket) echo "$STATE/etc/sockets.target.wants/$1" ;; *) echo "$STATE/etc/multi-user.target.wants/$1" ;; esac; }
for word in "$@"; do
  case $verb,$word in
    enable,berth*) touch "$(link "$word")" ;;
    disable,berth*) rm -f "$(link "$word")"; case "$*" in *--now*) rm -f "$STATE/$word" ;; esac ;;
    start,berth*) touch "$STATE/$word" ;;
    stop,berth*) rm -f "$STATE/$word" ;;
    is-enabled,berth*) [ -e "$(link "$word")" ] || exit 1 ;;
    is-active,berth*) if [ -e "$STATE/$word" ]; then echo active; else echo inactive; exit 3; fi ;;
  esac
done
`;

test('its scripts run the engine after an install, one after a removal too, restart it at an upgrade, and leave what somebody disabled', () => {
  const state = join(folder, 'systemd');
  for (const name of ['bin', 'etc/sockets.target.wants', 'etc/multi-user.target.wants']) mkdirSync(join(state, name), { recursive: true });
  writeFileSync(join(state, 'bin/systemctl'), SYSTEMCTL, { mode: 0o755 });
  writeFileSync(join(state, 'bin/getent'), '#!/bin/sh\n', { mode: 0o755 });
  // Of compiled-code.mjs, that it is run.
  const lib = join(state, 'lib');
  const compiled = join(lib, 'dist/bundled/compiled');
  mkdirSync(join(lib, 'node_modules/node/bin'), { recursive: true });
  writeFileSync(join(lib, 'node_modules/node/bin/node'), `#!/bin/sh\n[ "$1" = ${lib}/services/engine/setup/compiled-code.mjs ] && mkdir -p ${compiled}\n`, { mode: 0o755 });
  const env = { PATH: `${join(state, 'bin')}:/usr/bin:/bin`, STATE: state };
  const script = (name: string, ...words: string[]): void => {
    const text = readFileSync(join(REPOSITORY, 'services/engine/package/debian', name), 'utf8').replaceAll('/run/systemd/system', state).replaceAll('/etc/systemd/system', join(state, 'etc')).replaceAll('/usr/lib/berth', lib);
    execFileSync('/bin/sh', ['-c', text, name, ...words], { env });
  };
  const install = (former = ''): void => script('postinst', 'configure', former);
  const remove = (): void => (script('prerm', 'remove'), script('postrm', 'remove'));
  const running = (): string[] => readdirSync(state).filter((name) => name.startsWith('berth.'));
  const both = ['berth.service', 'berth.socket'];

  install();
  expect(running()).toEqual(both);
  expect(existsSync(compiled)).toBe(true);
  writeFileSync(join(state, 'asked'), '');
  script('prerm', 'upgrade', '2');
  install('1');
  expect(readFileSync(join(state, 'asked'), 'utf8').split('\n').filter((asked) => /start|stop/.test(asked))).toEqual(['try-restart berth.service']);
  remove();
  expect(running()).toEqual([]);
  expect(existsSync(compiled)).toBe(false);
  install('2');
  expect(running()).toEqual(both);

  execFileSync(join(state, 'bin/systemctl'), ['disable', ...both], { env });
  remove();
  install('2');
  expect(running()).toEqual([]);
  remove();
  script('postrm', 'purge');
  expect(readdirSync(join(state, 'etc'), { recursive: true }).filter((name) => String(name).includes('berth'))).toEqual([]);
  install();
  expect(running()).toEqual(both);
});

test.skipIf(!hasDpkg)('its documents are there with all that they point to, and the licenses of everybody', () => {
  const documents = join(root, 'usr/share/doc/berth');
  const texts = readdirSync(documents, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  const links = texts.flatMap((name) => Array.from(readFileSync(join(documents, name), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g), ([, link = '']) => join(dirname(name), link)));
  expect(links).toContain('contracts/generated/openapi.json');
  expect(links.filter((link) => !existsSync(join(documents, link)))).toEqual([]);
  expect(existsSync(join(documents, 'observability/prometheus/rules/alerts.yml'))).toBe(true);
  const copyright = readFileSync(join(documents, 'copyright'), 'utf8');
  const folders = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' }).filter((name) => /(^|node_modules\/)(@[^/]+\/)?[^/@]+\/package\.json$/.test(name));
  const names = folders.map((path) => (JSON.parse(readFileSync(join(home, 'node_modules', path), 'utf8')) as { name: string; version: string })).map(({ name, version }) => `${name} ${version} (`);
  expect(names.length).toBeGreaterThan(80);
  expect(names.filter((name) => !copyright.includes(`\n${name}`))).toEqual([]);
  expect(copyright).toContain('Node.js is licensed for use as follows');
});

test.skipIf(!hasDpkg)('it asks for the C library that its programs ask for', () => {
  const [, wanted = ''] = /^Depends: libc6 \(>= 2\.(\d+)\),/m.exec(readFileSync(join(control, 'control'), 'utf8')) ?? [];
  const own = /GLIBC_2\.\d+/g;
  const minors = ['dist/native/linux.node', 'node_modules/node/bin/node'].flatMap((path) => readFileSync(join(home, path), 'latin1').match(own) ?? []).map((name) => Number(name.split('.')[1]));
  expect(Number(wanted)).toBe(Math.max(...minors));
  expect(Number(wanted)).toBeGreaterThanOrEqual(28); // Node's own
});

test.skipIf(!hasDpkg)("shells find what completes the command's words", () => {
  const bash = join(root, 'usr/share/bash-completion/completions/berth');
  const asked = spawnSync('bash', ['-c', `berth() { echo "$@"; }; . ${bash}; COMP_WORDS=(berth wh); COMP_CWORD=1; _berth; complete -p berth; echo "\${COMPREPLY[@]}"`], { encoding: 'utf8' });
  expect(asked.stdout).toBe('complete -F _berth berth\ncompletion words -- wh\n');
  expect(readFileSync(join(root, 'usr/share/zsh/vendor-completions/_berth'), 'utf8')).toMatch(/^#compdef berth\n/);
  expect(existsSync(join(root, 'usr/share/fish/vendor_completions.d/berth.fish'))).toBe(true);
});

test.skipIf(!hasDpkg)('what runs is there, and what builds and tests is not', () => {
  for (const path of ['dist/bundled/services/supervisor.js', 'dist/bundled/services/executor.js', 'dist/native/berth-shim', 'dist/native/linux.node']) expect(existsSync(join(home, path)), path).toBe(true);
  for (const name of ['typescript', 'vitest', 'dockerode', '@types/dockerode']) expect(existsSync(join(home, 'node_modules', name)), name).toBe(false);
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' });
  expect(names.filter((name) => name.startsWith('dist/bundled/compiled'))).toEqual([]); // of the processor that it runs on
  expect(names.filter((name) => name.startsWith('dist/') && name.endsWith('.test.js'))).toEqual([]);
  expect(names.filter((name) => /\/bin\/node$/.test(name))).toEqual(['node_modules/node/bin/node']);
});

test.skipIf(!hasDpkg)('all that its programs import is in it', () => {
  const start = (program: string, settings: Record<string, string> = {}): string => {
    const env = { BERTH_DATA_ROOT: join(folder, 'none'), BERTH_RUN_ROOT: folder, BERTH_METRICS_PORT: '0', ...settings };
    const { stdout, stderr, status } = spawnSync(node, [join(home, 'dist', program)], { encoding: 'utf8', cwd: '/', env, timeout: patience(20_000) });
    expect(status).not.toBe(0);
    return `${stdout}${stderr}`;
  };
  // The supervisor refuses a setting, and the services have no bus: both only after everything was loaded.
  expect(start('bundled/services/supervisor.js', { BERTH_CGROUP_PARENT: 'x' })).toContain('BERTH_CGROUP_PARENT');
  const help = spawnSync(node, [join(home, 'dist/services/cli/main.js'), '--help'], { encoding: 'utf8' });
  expect(help.status).toBe(0);
  execFileSync(node, [join(home, 'services/engine/setup/compiled-code.mjs')]);
  expect(readdirSync(join(home, 'dist/bundled/compiled'), { recursive: true }).length).toBeGreaterThan(20);
  for (const program of ['engine', 'executor']) {
    mkdirSync(join(folder, 'processes', program), { recursive: true }); // the supervisor would
    expect(start(`bundled/services/${program}.js`)).toContain('the password of the bus user');
  }
});

test.skipIf(!hasDpkg || !can('systemd-analyze'))('systemd finds nothing wrong with the units', () => {
  // Its own check looks for the programs: they lie below this root.
  const units = join(folder, 'units');
  execFileSync('mkdir', [units]);
  for (const unit of ['berth.socket', 'berth.service']) {
    writeFileSync(join(units, unit), readFileSync(join(root, 'usr/lib/systemd/system', unit), 'utf8').replaceAll('/usr/lib/berth/', `${home}/`));
  }
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(units, 'berth.service'), join(units, 'berth.socket')], { encoding: 'utf8' });
  const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('berth'));
  expect({ status, about }).toEqual({ status: 0, about: [] });
});

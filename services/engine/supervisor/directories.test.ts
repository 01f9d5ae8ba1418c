import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processFolder } from '#libs/settings/run-root.js';
import { readSupervisorSettings, type SupervisorSettings } from '../settings.js';
import { makeDirectories, requireRunRoot } from './directories.js';

const STRANGER = 54_321;
const engine = { name: 'berth', uid: 12_345, gid: 12_345 };
const gateway = { name: 'berth-gateway', uid: 12_346, gid: 12_346 };
const accounts = { engine, nats: { name: 'berth-nats', uid: 12_347, gid: 12_347 }, services: new Map([['engine', engine], ['gateway', gateway]]) };
let top: string;
let settings: SupervisorSettings;
const run = (...names: readonly string[]): string => join(settings.runRoot, ...names);

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'berth-directories-'));
  settings = readSupervisorSettings({ BERTH_DATA_ROOT: join(top, 'data'), BERTH_RUN_ROOT: join(top, 'run'), BERTH_APART: 'gateway' });
});
afterEach(() => rmSync(top, { recursive: true }));

test("in the run root each process writes in its own folder alone, and the sockets' group in none", () => {
  makeDirectories(settings, accounts);
  const rights = ['.', ...readdirSync(settings.runRoot, { recursive: true, encoding: 'utf8' })].filter((name) => lstatSync(run(name)).isDirectory()).map((name) => {
    const { uid, mode } = statSync(run(name));
    return { name, uid, others: (mode & 0o022).toString(8) };
  });
  expect(rights.filter(({ others }) => others !== '0')).toEqual([]);
  expect(rights.filter(({ uid }) => uid !== 0).map(({ name, uid }) => [name, uid]).sort()).toEqual([['processes/engine', 12_345], ['processes/gateway', 12_346]]);
  expect(readlinkSync(settings.socket)).toBe('processes/gateway/docker.sock');
});

test("no other user of the host comes to what containers and images hold: a program there may have root's rights (CVE-2021-41091)", () => {
  const reached = ['volumes/v/_data', 'layers/l', 'containers/c/diff'].map((folder) => join(settings.dataRoot, folder, 'program'));
  makeDirectories(settings, accounts);
  chmodSync(top, 0o711);
  for (const path of reached) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o4755 });
    expect([path, spawnSync(path, { uid: STRANGER, gid: STRANGER }).error]).toEqual([path, expect.objectContaining({ code: 'EACCES' })]);
  }
});

test("what a stranger put into the run root of a version that let its group write there is followed nowhere and is gone; root's stays", () => {
  const victim = join(top, 'victim');
  mkdirSync(join(victim, 'engine'), { recursive: true });
  writeFileSync(join(victim, 'file'), 'precious');
  makeDirectories(settings, accounts);
  chmodSync(settings.runRoot, 0o3775);
  rmSync(run('processes'), { recursive: true });
  rmSync(run('consoles'), { recursive: true });
  const planted = { 'processes': victim, 'nats.conf.new': join(victim, 'file'), 'cgroup-parents.new': join(victim, 'file') };
  for (const [name, target] of Object.entries(planted)) symlinkSync(target, run(name));
  mkdirSync(run('consoles'));
  symlinkSync(join(victim, 'engine'), run('consoles/x'));
  mkdirSync(run('ready'));
  symlinkSync(join(victim, 'file'), run('ready/executor'));
  for (const name of [...Object.keys(planted), 'consoles']) lchownSync(run(name), STRANGER, STRANGER);
  writeFileSync(run('forwarding'), 'boot');
  const rights = (): unknown => ['', 'engine', 'file'].map((name) => [statSync(join(victim, name)).uid, statSync(join(victim, name)).mode]);
  const before = rights();

  makeDirectories(settings, accounts);
  expect(rights()).toEqual(before);
  expect(readFileSync(join(victim, 'file'), 'utf8')).toBe('precious');
  expect(readFileSync(run('forwarding'), 'utf8')).toBe('boot');
  for (const name of ['nats.conf.new', 'cgroup-parents.new', 'ready', 'consoles/x']) expect(existsSync(run(name)), name).toBe(false);
  for (const name of ['processes', 'consoles']) expect(lstatSync(run(name))).toMatchObject({ uid: 0 });
  expect(lstatSync(processFolder(settings, 'engine')).isDirectory()).toBe(true);
});

test("a socket that a service manager made stays where clients know it, and one that another's gateway left makes room", () => {
  mkdirSync(settings.runRoot, { recursive: true });
  writeFileSync(settings.socket, ''); // stands for it
  makeDirectories(settings, accounts, true);
  expect(lstatSync(settings.socket).isFile()).toBe(true);
  chownSync(settings.socket, gateway.uid, gateway.gid);
  makeDirectories(settings, accounts);
  expect(readlinkSync(settings.socket)).toBe('processes/gateway/docker.sock');
});

test("a run root that others have things in is refused, and of what is no name of Berth's nothing is taken away", () => {
  expect(() => requireRunRoot(settings)).not.toThrow(); // it is not there yet
  mkdirSync(settings.runRoot);
  writeFileSync(settings.socket, '');
  expect(() => requireRunRoot(settings)).not.toThrow();
  mkdirSync(run('postgresql'));
  lchownSync(run('postgresql'), STRANGER, STRANGER);
  symlinkSync('elsewhere', run('lock'));
  expect(() => requireRunRoot(settings)).toThrow(/^BERTH_RUN_ROOT is ".*\/run", which has "(lock|postgresql)" in it and is not Berth's/);
  mkdirSync(run('pids')); // an administrator's, in a run root that is Berth's
  expect(() => requireRunRoot(settings)).not.toThrow();
  makeDirectories(settings, accounts);
  expect(statSync(run('postgresql')).uid).toBe(STRANGER);
  expect(readlinkSync(run('lock'))).toBe('elsewhere');
});

test('the socket is a link also where its folder is known by another name', () => {
  symlinkSync('run', join(top, 'alias'));
  mkdirSync(settings.runRoot);
  const named = { ...settings, socket: join(top, 'alias/docker.sock') };
  makeDirectories(named, accounts);
  expect(readlinkSync(named.socket)).toBe('processes/gateway/docker.sock');
});

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROXY_VARIABLES, TRUST_VARIABLES } from '#libs/settings/proxies.js';
import { type SupervisorSettings, settingsEnvironment } from '../settings.js';

/** What processes run: which code, and with which settings. */
export interface Program {
  readonly code: string;
  /** Hashes of the variables' values, since some hold passwords. */
  readonly variables: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where nats-server lies and which descriptor the socket is are the set-up's own business. */
const NO_SETTINGS = new Set(['BERTH_NATS_SERVER', 'BERTH_DOCKER_CLI', 'BERTH_SOCKET_FD']);
const FETCHING: readonly string[] = [...PROXY_VARIABLES, ...TRUST_VARIABLES];
/** What build.mjs leaves; an installed package has its version instead. */
const CODE = ['dist/.typescript.stamp', 'dist/.bundle.stamp', 'dist/.shim.stamp', 'dist/.addon.stamp', 'package.json'];

/** Settings of services (BERTH_…), of telemetry (OTEL_…), proxies and CAs: the rest of an environment is nobody's setting. */
export function givenSettings(environment: Environment): Record<string, string> {
  const rows = Object.entries(environment).filter((row): row is [string, string] => Boolean(row[1]) && !NO_SETTINGS.has(row[0]) && (/^(BERTH|OTEL)_/.test(row[0]) || FETCHING.includes(row[0])));
  return Object.fromEntries(rows);
}

/** `root`: of the installation. */
export function programOf(root: string, settings: SupervisorSettings, environment: Environment = process.env): Program {
  const code = CODE.map((file) => join(root, file)).map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''));
  const variables = Object.entries(givenSettings({ ...environment, ...settingsEnvironment(settings) })).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { code: hashOf(code.join('\n')), variables: Object.fromEntries(variables.map(([name, value]) => [name, hashOf(value)])) };
}

/** How what runs differs from what is wished. */
export interface Difference {
  readonly code: boolean;
  /** Settings of `given` that it has not. */
  readonly missing: readonly string[];
  /** Settings that it was started with, and that are not given now. */
  readonly forgotten: readonly string[];
}

export function differenceOf(running: Program, wished: Program, given: Readonly<Record<string, string>>): Difference {
  const isOther = (name: string): boolean => running.variables[name] !== wished.variables[name];
  return {
    code: running.code !== wished.code,
    missing: Object.keys(given).filter(isOther),
    forgotten: Object.keys(running.variables).filter((name) => given[name] === undefined && isOther(name)),
  };
}

/** Whether the executor runs what is wished: which services run apart is nothing to it. */
export function isSameExecutor(running: Program | undefined, wished: Program): boolean {
  const { missing, forgotten, code } = running === undefined ? { code: true, missing: [], forgotten: [] } : differenceOf(running, wished, wished.variables);
  return !code && [...missing, ...forgotten].every((name) => name === 'BERTH_APART');
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

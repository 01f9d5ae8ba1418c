import type { Healthcheck } from '#contracts/containers/container-config.js';
import type { ImageRunConfig } from '#contracts/images/images.js';
import { invalid } from '#libs/errors/errors.js';
import { isObject, parseJsonObject, strings, text, type JsonObject } from './bounded-json.js';
import { parseDigest } from './digest.js';

/** image-spec, config.md. What a container takes from it is in `run`, which stays data: nothing here configures the engine. */
export interface ImageConfig {
  readonly created: string;
  readonly author: string;
  readonly comment: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
  /** Bottom up. */
  readonly diffIds: readonly string[];
  readonly history: readonly JsonObject[];
  readonly run: ImageRunConfig;
}

export const CONFIG_LIMIT_BYTES = 8 << 20;
const MOST_LAYERS = 512;

/** Throws invalid where the bytes are no image configuration. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const json = parseJsonObject(bytes, 'the image configuration', CONFIG_LIMIT_BYTES);
  const rootfs = isObject(json['rootfs']) ? json['rootfs'] : {};
  const diffIds = strings(rootfs['diff_ids'], 'rootfs.diff_ids') ?? [];
  if (diffIds.length > MOST_LAYERS) throw invalid(`the image has ${diffIds.length} layers, more than ${MOST_LAYERS}`);
  const history = Array.isArray(json['history']) ? json['history'].filter(isObject) : [];
  return {
    created: text(json['created']),
    author: text(json['author']),
    comment: text(json['comment']),
    os: text(json['os']) || 'linux',
    architecture: text(json['architecture']),
    variant: text(json['variant']),
    diffIds: diffIds.map((diffId) => parseDigest(diffId, 'diff id')),
    history,
    run: runDefaults(isObject(json['config']) ? json['config'] : {}),
  };
}

function runDefaults(json: JsonObject): ImageRunConfig {
  const env = strings(json['Env'], 'config.Env');
  const shell = strings(json['Shell'], 'config.Shell');
  const triggers = strings(json['OnBuild'], 'config.OnBuild');
  const ports = objects(json['ExposedPorts'], 'config.ExposedPorts');
  const labels = json['Labels'];
  return {
    ...(text(json['User']) && { User: text(json['User']) }),
    ...(ports && { ExposedPorts: ports }),
    ...(env && { Env: env }),
    Entrypoint: strings(json['Entrypoint'], 'config.Entrypoint') ?? null,
    Cmd: strings(json['Cmd'], 'config.Cmd') ?? null,
    Volumes: objects(json['Volumes'], 'config.Volumes') ?? null,
    ...(text(json['WorkingDir']) && { WorkingDir: text(json['WorkingDir']) }),
    Labels: isObject(labels) ? Object.fromEntries(Object.entries(labels).map(([key, value]) => [key, text(value)])) : null,
    ...(text(json['StopSignal']) && { StopSignal: text(json['StopSignal']) }),
    ...(triggers && triggers.length > 0 && { OnBuild: triggers }),
    ...(shell && { Shell: shell }),
    ...(isObject(json['Healthcheck']) && { Healthcheck: healthcheck(json['Healthcheck']) }),
  };
}

/** Docker's own extension of the configuration. Numbers that are none are left out, as is all that is not known. */
function healthcheck(json: JsonObject): Healthcheck {
  const test = strings(json['Test'], 'config.Healthcheck.Test');
  const numbers = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'].flatMap((name) => (Number.isSafeInteger(json[name]) ? [[name, json[name]] as const] : []));
  return { ...(test && { Test: test }), ...Object.fromEntries(numbers) };
}

function objects(value: unknown, what: string): Record<string, object> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalid(`${what} is not an object`);
  return Object.fromEntries(Object.keys(value).map((key) => [key, {}]));
}

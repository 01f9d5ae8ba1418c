import { statfsSync } from 'node:fs';
import type { EngineSettings } from './engine-settings.js';
import { type Environment, setting } from './setting-table.js';

const MIB = 1024 * 1024;
const UNITS: Readonly<Record<string, number>> = { MiB: MIB, GiB: 1024 * MIB, TiB: 1024 * 1024 * MIB };
/** Room for some thousand lives of containers. */
const LEAST = 64 * MIB;
/** Where nobody tells, however small the disk. */
const LEAST_OF_ITSELF = 1024 * MIB;

/** BERTH_LOG_LIMIT ("200GiB") in bytes; undefined where it is not set. Throws what names the variable. */
export function readLogLimit(env: Environment): number | undefined {
  const text = setting(env, 'BERTH_LOG_LIMIT');
  if (!text) return undefined;
  const [, digits, unit = ''] = /^(\d{1,6})(MiB|GiB|TiB)$/.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? 0);
  if (!(bytes >= LEAST)) throw new Error(`BERTH_LOG_LIMIT=${text}: a number and MiB, GiB or TiB are needed, 64MiB or more`);
  return bytes;
}

/** To how many bytes the log may grow: as it was told, or half of the disk that it lies on. Undefined: a server that was there already keeps it, and no setting tells what that server allows. */
export function logLimitBytes({ dataRoot, natsEmbedded }: Pick<EngineSettings, 'dataRoot' | 'natsEmbedded'>, env: Environment = process.env): number | undefined {
  const told = readLogLimit(env);
  if (told !== undefined || !natsEmbedded) return told;
  const { blocks, bsize } = statfsSync(`${dataRoot}/nats`);
  return Math.max(LEAST_OF_ITSELF, Math.floor((blocks * bsize) / 2 / MIB) * MIB);
}

import { setTimeout as delay } from 'node:timers/promises';
import { BerthError } from '#libs/errors/errors.js';
import { type Command, type CommandInput, exitCodes } from '../command.js';
import type { ContainerAt } from '../container-table.js';
import { Screen } from '../screen.js';
import { printable } from '../text-table.js';
import { type TopRow, topRows, topTable } from '../top-table.js';
import { type Sample, takeSamples, usageOf } from '../usage-samples.js';

const REFRESH_MS = 2_000;
/** Between the two samples that a share of the CPU needs. */
const FIRST_MS = 500;

/** `berth top [--once]`: all containers, again and again; once, where nobody looks at a terminal. With --json a line of JSON each time. */
export const top: Command = async (input) => {
  const { api, options, print } = input;
  const look = looker(api);
  await look();
  await delay(FIRST_MS);
  if (options.once || (!options.json && !process.stdout.isTTY)) {
    const rows = await look();
    print(options.json ? JSON.stringify(rows) : topTable(rows, Date.now()));
    return exitCodes.ok;
  }
  const left = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => left.abort());
  await (options.json ? printLines(look, print, left.signal) : watch(look, left));
  return exitCodes.ok;
};

/** Resolves to how all containers are; what they use, since the call before. */
function looker(api: CommandInput['api']): () => Promise<readonly TopRow[]> {
  let before: ReadonlyMap<string, Sample> = new Map();
  return async () => {
    const containers = await api.get<ContainerAt[]>('/berth/containers');
    const running = containers.filter(({ status }) => status === 'running' || status === 'paused').map(({ id }) => id);
    const now = await takeSamples(api, running);
    const usages = new Map([...now].map(([id, sample]) => [id, usageOf(before.get(id), sample)]));
    before = now;
    return topRows(containers, usages);
  };
}

async function printLines(look: () => Promise<readonly TopRow[]>, print: (line: string) => void, left: AbortSignal): Promise<void> {
  while (!left.aborted) {
    print(JSON.stringify(await look()));
    await delay(REFRESH_MS, undefined, { signal: left }).catch(() => undefined);
  }
}

async function watch(look: () => Promise<readonly TopRow[]>, left: AbortController): Promise<void> {
  const screen = new Screen(process.stdout);
  const keys = (typed: Buffer): void => {
    // Ctrl-C is a key where the terminal is raw.
    if (/[qQ\u0003]/.test(typed.toString())) left.abort();
  };
  if (process.stdin.isTTY) process.stdin.setRawMode(true).on('data', keys);
  screen.open();
  try {
    while (!left.signal.aborted) {
      screen.show(await picture(look));
      await delay(REFRESH_MS, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
    if (process.stdin.isTTY) process.stdin.off('data', keys).setRawMode(false).pause();
  }
}

/** An engine that is restarted under it is looked for again. */
async function picture(look: () => Promise<readonly TopRow[]>): Promise<string[]> {
  try {
    const rows = await look();
    const running = rows.filter(({ status }) => status === 'running').length;
    return [`${running} of ${rows.length} containers run; q ends this`, '', ...topTable(rows, Date.now()).split('\n')];
  } catch (error) {
    if (error instanceof BerthError && error.kind === 'unavailable') return [printable(error.message)];
    throw error;
  }
}

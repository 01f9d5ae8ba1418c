import { parseArgs } from 'node:util';
import { startEngine } from '../e2e/engine.js';
import { compare, type Row, table } from './comparison.js';
import { dockerdVersion, startDockerd } from './private-dockerd.js';
import { Subject } from './subject.js';
import { execAndForcedRemove, life, manyAtOnce, runByCli } from './work.js';

const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;

/** The benchmark: Berth and a real dockerd on one machine, the same image, the same requests, in turn. */
async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, 'at-once': { type: 'string', default: '20' } },
  });
  const atOnce = Number(options['at-once']);
  if (!Number.isSafeInteger(atOnce) || atOnce < 1) throw new Error(`--at-once takes a number of containers, not ${options['at-once']}`);
  const rounds = options.quick ? 10 : 30;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));
  const program = process.env['BENCH_DOCKERD'] ?? 'dockerd';
  const dockerd = `dockerd ${dockerdVersion(program)}`;
  const rows = await withEngines(program, dockerd, async (subjects) => {
    const done: Row[] = [];
    for (const work of [life('bridge'), life('none'), execAndForcedRemove, runByCli]) done.push(...(await compare(subjects, work, rounds, stop.signal)));
    done.push(...(await compare(subjects, manyAtOnce(atOnce), Math.ceil(rounds / 5), stop.signal)));
    return done;
  });
  console.log(options.json ? JSON.stringify({ rounds, atOnce, unit: 'ms', rows }, undefined, 2) : table(rows));
}

/** Both engines with busybox loaded, for as long as `work` takes. */
async function withEngines<Result>(program: string, dockerdName: string, work: (subjects: readonly [Subject, Subject]) => Promise<Result>): Promise<Result> {
  await using ends = new AsyncDisposableStack();
  const berth = await startEngine();
  ends.defer(() => berth.stop());
  const dockerd = await startDockerd(program);
  ends.defer(() => dockerd.stop());
  const subjects = [new Subject('berth', berth.socket), new Subject(dockerdName, dockerd.socket)] as const;
  const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
  for (const subject of subjects) {
    ends.defer(async () => {
      await removeContainers(subject);
      subject.close();
    });
    await subject.ask('POST', '/images/load?quiet=1', busyboxImageTar());
  }
  return await work(subjects);
}

/** What work that failed left behind. */
async function removeContainers(subject: Subject): Promise<void> {
  const containers = JSON.parse((await subject.ask('GET', '/containers/json?all=1')).toString('utf8')) as readonly { readonly Id: string }[];
  for (const { Id: id } of containers) await subject.ask('DELETE', `/containers/${id}?force=1`);
}

await main();

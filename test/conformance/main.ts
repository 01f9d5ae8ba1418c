import { dockerdVersion, startDockerd } from '../bench/private-dockerd.js';
import { startEngine } from '../engine/engine.js';
import { type Archives, answersOf } from './answers.js';
import { type Difference, differencesOf, tell } from './compare.js';
import { isIntended, unseen } from './differences.js';
import { writeGolden } from './golden.js';
import { normalised } from './normalise.js';
import { GROUPS } from './requests.js';

const BUSYBOX_IMAGE = new URL('../../../services/engine/setup/busybox-image.mjs', import.meta.url).href;

/** Sends all requests to dockerd and to Berth; takes dockerd's answers as the golden ones, and tells what differs, and what does no longer. Exit code 1 for what is not intended. */
async function main(): Promise<number> {
  const program = process.env['BENCH_DOCKERD'] ?? 'dockerd';
  await using ends = new AsyncDisposableStack();
  const dockerd = await startDockerd(program);
  ends.defer(() => dockerd.stop());
  const berth = await startEngine();
  ends.defer(() => berth.stop());
  const { busyboxImageTar } = (await import(BUSYBOX_IMAGE)) as { readonly busyboxImageTar: () => Buffer }; // plain JavaScript, shared with set-up
  const archives: Archives = { busybox: busyboxImageTar(), rubbish: Buffer.alloc(2048, 'rubbish') };
  const load = [{ name: 'load', method: 'POST', path: '/v1.41/images/load?quiet=1', archive: 'busybox' as const }];
  for (const { socket } of [dockerd, berth]) await answersOf(socket, load, archives);
  const found: Difference[] = [];
  let asked = 0;
  for (const [group, requests] of Object.entries(GROUPS)) {
    const [expected, actual] = [await answersOf(dockerd.socket, requests, archives), await answersOf(berth.socket, requests, archives)].map((answers) => new Map(Array.from(answers, ([name, answer]) => [name, normalised(answer)])));
    if (expected === undefined || actual === undefined) throw new Error(`no answers of ${group}`);
    writeGolden(group, expected);
    for (const { name } of requests) {
      const [one, other] = [expected.get(name), actual.get(name)];
      if (one === undefined || other === undefined) throw new Error(`no answer to ${name}`);
      found.push(...differencesOf(name, one, other));
    }
    asked += requests.length;
  }
  const unintended = found.filter((difference) => !isIntended(difference));
  for (const difference of unintended) console.log(tell(difference));
  for (const difference of unseen(found)) console.log(`a difference that is meant, and was not seen: ${difference}`);
  console.log(`${asked} requests to dockerd ${dockerdVersion(program)} and to Berth: ${unintended.length} differences that are not intended`);
  return unintended.length === 0 ? 0 : 1;
}

process.exitCode = await main();

import { randomBytes } from 'node:crypto';
import { writeTar } from '#libs/oci/tar-writer.js';
import { Clock } from './clock.js';
import type { Figures } from './comparison.js';
import type { Subject } from './subject.js';
import { startStaying, type Work } from './work.js';

const FOLDER = 'copied';
/** Random, so that nothing can compress it or leave holes for it. */
const FILE = randomBytes(1e6);
/** Two empty blocks end an archive, pax(1); some writers leave them out, some add more. */
const TRAILER_BYTES = 1024;

/**
 * An archive of `megabytes` files of 10^6 bytes put into a container's file system and got back by the API, as `docker cp` does it: into one that runs, and into one that has
 * ended. No engine waits for the disk.
 */
export const copies = (megabytes: number): Work => async (subject) => {
  const archive = await archiveOf(megabytes);
  return new Map([...(await copy(subject, archive, 'running')), ...(await copy(subject, archive, 'stopped'))]);
};

async function copy(subject: Subject, archive: Buffer, state: 'running' | 'stopped'): Promise<Figures> {
  const id = state === 'running' ? await startStaying(subject, 'none') : await ended(subject);
  try {
    const clock = new Clock();
    await subject.ask('PUT', `/containers/${id}/archive?path=/`, archive);
    const put = clock.lap('put');
    const got = await subject.download(`/containers/${id}/archive?path=/${FOLDER}`);
    const get = clock.lap('get');
    if (got < archive.length - TRAILER_BYTES) throw new Error(`${subject.name}: of an archive of ${archive.length} bytes only ${got} came back`);
    return new Map([[`cp into a ${state} container, MB/s`, archive.length / 1e3 / put], [`cp out of a ${state} container, MB/s`, got / 1e3 / get]]);
  } finally {
    await subject.ask('DELETE', `/containers/${id}?force=1`);
  }
}

async function ended(subject: Subject): Promise<string> {
  const id = await subject.create(['true'], 'none');
  await subject.ask('POST', `/containers/${id}/start`);
  await subject.ask('POST', `/containers/${id}/wait`);
  return id;
}

async function archiveOf(files: number): Promise<Buffer> {
  const members = Array.from({ length: files }, (_, index) => ({ path: `${FOLDER}/${index}`, body: FILE }));
  return Buffer.concat(await Array.fromAsync(writeTar([{ path: `${FOLDER}/`, type: 'directory' }, ...members])));
}

import { createHash } from 'node:crypto';
import { writeTar } from '#libs/oci/tar-writer.js';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A tiny archive for `docker load`: second:latest, of two layers that no other image has. */
export async function secondImage(): Promise<Buffer> {
  const layers = [await tar([['first', Buffer.from('1')]]), await tar([['other', Buffer.from('2')]])];
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: '2025-01-01T00:00:00Z', config: {}, rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) }, history: [] }));
  const names = layers.map((layer) => `${sha256(layer)}.tar`);
  const manifest = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: ['second:latest'], Layers: names }]));
  return await tar([['config.json', config], ...layers.map((layer, index): [string, Buffer] => [names[index] ?? '', layer]), ['manifest.json', manifest]]);
}

async function tar(files: readonly (readonly [path: string, body: Buffer])[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of writeTar(files.map(([path, body]) => ({ path, body })))) parts.push(part);
  return Buffer.concat(parts);
}

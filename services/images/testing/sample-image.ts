import { gzipSync } from 'node:zlib';
import { digestOf } from '#libs/oci/digest.js';
import { writeTar, type TarMember } from '#libs/oci/tar-writer.js';

export async function tarOf(members: readonly TarMember[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of writeTar(members)) parts.push(part);
  return Buffer.concat(parts);
}

/** An image of one layer with one file. */
export interface Sample {
  readonly config: Buffer;
  readonly id: string;
  readonly tar: Buffer;
  readonly layer: Buffer;
  readonly manifest: Buffer;
}

export async function sample(content: string, author = '', architecture = 'amd64'): Promise<Sample> {
  const tar = await tarOf([{ path: 'hello', body: Buffer.from(content) }]);
  const layer = gzipSync(tar);
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture, created: '2024-01-01T00:00:00Z', author, config: { Cmd: ['/hello'] }, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(layer), size: layer.length }],
    }),
  );
  return { config, id: digestOf(config), tar, layer, manifest };
}

/** An OCI image layout of these manifests, or of what else it lists beside their blobs. */
export const layoutArchive = (images: readonly Sample[], manifests: readonly object[]): Promise<Buffer> =>
  tarOf([
    ...[...new Map(images.flatMap(({ config, layer, manifest }) => [config, layer, manifest]).map((blob) => [digestOf(blob), blob]))].map(([digest, body]) => ({ path: `blobs/sha256/${digest.slice(7)}`, body })),
    { path: 'index.json', body: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })) },
    { path: 'oci-layout', body: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
  ]);

/** With two layers, as `docker save` wrote it: what each holds in its one file. */
export async function twoLayers(lower: string, upper: string): Promise<{ readonly archive: Buffer; readonly tars: readonly [Buffer, Buffer] }> {
  const tars = [await tarOf([{ path: 'lower', body: Buffer.from(lower) }]), await tarOf([{ path: 'upper', body: Buffer.from(upper) }])] as const;
  const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', config: {}, rootfs: { type: 'layers', diff_ids: tars.map(digestOf) } }));
  const manifest = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: ['two:1'], Layers: ['0/layer.tar', '1/layer.tar'] }]));
  return { archive: await tarOf([...tars.map((body, index) => ({ path: `${index}/layer.tar`, body })), { path: 'config.json', body: config }, { path: 'manifest.json', body: manifest }]), tars };
}

/** As `docker save` wrote it before OCI: the layer by a symlink, as where two images share it. */
export const dockerArchive = (image: Sample, tags: readonly string[]): Promise<Buffer> =>
  tarOf([
    { path: 'abc.json', body: image.config },
    { path: 'one/layer.tar', body: image.tar },
    { path: 'two/layer.tar', type: 'symlink', linkTarget: '../one/layer.tar' },
    { path: 'manifest.json', body: Buffer.from(JSON.stringify([{ Config: 'abc.json', RepoTags: tags, Layers: ['two/layer.tar'] }])) },
  ]);

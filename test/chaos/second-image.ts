import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256, tarOf } from '../fixtures/image-archive.js';

interface SecondImage {
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
}

/** A tiny image of two layers that no other image has. */
async function secondImage(): Promise<SecondImage> {
  const layers = await Promise.all([tarOf([{ path: 'first', body: Buffer.from('1') }]), tarOf([{ path: 'other', body: Buffer.from('2') }])]);
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', created: '2025-01-01T00:00:00Z', config: {}, rootfs: { type: 'layers', diff_ids: layers.map(digestOf) }, history: [] }));
  return { config, layers };
}

const digestOf = (bytes: Buffer): string => `sha256:${sha256(bytes)}`;

/** For `docker load`: second:latest. */
export async function secondImageArchive(): Promise<Buffer> {
  const { config, layers } = await secondImage();
  const names = layers.map((layer) => `${sha256(layer)}.tar`);
  const manifest = Buffer.from(JSON.stringify([{ Config: 'config.json', RepoTags: ['second:latest'], Layers: names }]));
  return tarOf([{ path: 'config.json', body: config }, ...layers.map((body, index) => ({ path: names[index] ?? '', body })), { path: 'manifest.json', body: manifest }]);
}

/** A registry on loopback that holds this one image, as `<address>/second:latest` (OCI distribution, the part that a pull needs). */
export class SecondImageRegistry {
  private constructor(private readonly server: Server) {}

  static async start(): Promise<SecondImageRegistry> {
    const { config, layers } = await secondImage();
    const blob = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config: blob('application/vnd.oci.image.config.v1+json', config), layers: layers.map((layer) => blob('application/vnd.oci.image.layer.v1.tar', layer)) }));
    const held = new Map([manifest, config, ...layers].map((bytes) => [digestOf(bytes), bytes]));
    const server = createServer((asked, answer) => {
      const name = asked.url?.split('/').at(-1) ?? '';
      const bytes = name === 'latest' ? manifest : held.get(name);
      if (asked.url === '/v2/') answer.end('{}');
      else if (bytes === undefined) answer.writeHead(404).end();
      else answer.writeHead(200, { 'content-type': bytes === manifest ? mediaType : 'application/octet-stream', 'content-length': bytes.length, 'docker-content-digest': digestOf(bytes) }).end(asked.method === 'HEAD' ? undefined : bytes);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SecondImageRegistry(server);
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ListContainers } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { CreateVolume, GetVolume, ListVolumes, RemoveVolume } from '#contracts/volumes/volumes.js';
import { notImplemented } from '#libs/errors/errors.js';
import { EngineClient } from '../../../application/engine-client.js';
import { dockerVolume, filterVolumes, readVolumeFilters } from '../../../domain/docker/volume.js';
import { bodyFields, textField, textsByNameField } from '../../../domain/requests/go-fields.js';
import { flag, text, type QueryValues } from '../../../domain/requests/query-values.js';
import { Asked } from '../callers/request-context.js';

@Controller('/volumes')
export class VolumeController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const filters = readVolumeFilters(text(query, 'filters'));
    const { volumes } = await this.engine.ask(ListVolumes, {}, asked);
    const inUse = new Set<string>();
    if (filters.has('dangling')) {
      const { containers } = await this.engine.ask(ListContainers, { all: true }, asked);
      for (const container of containers) for (const mount of container.mounts) if (mount.name !== undefined) inUse.add(mount.name);
    }
    return { Volumes: filterVolumes(volumes, filters, inUse).map(dockerVolume), Warnings: null };
  }

  @Post('/create')
  async create(@Body() body: unknown, @Asked() asked: RequestContext): Promise<object> {
    const fields = bodyFields(body, 'volume.CreateOptions');
    if (fields['ClusterVolumeSpec'] !== undefined && fields['ClusterVolumeSpec'] !== null) throw notImplemented('Berth does not support cluster volumes yet');
    const [name, driver] = ['Name', 'Driver'].map((field) => textField('CreateOptions', fields, field));
    const [labels, options] = ['Labels', 'DriverOpts'].map((field) => textsByNameField('CreateOptions', fields, field));
    return dockerVolume(await this.engine.ask(CreateVolume, { ...(name ? { name } : {}), ...(driver ? { driver } : {}), ...(labels ? { labels } : {}), ...(options ? { options } : {}) }, asked));
  }

  @Get('/:name')
  async inspect(@Param('name') name: string, @Asked() asked: RequestContext): Promise<object> {
    return dockerVolume(await this.engine.ask(GetVolume, { name }, asked));
  }

  @Delete('/:name')
  @HttpCode(204)
  async remove(@Param('name') name: string, @Query() query: QueryValues, @Asked() asked: RequestContext): Promise<void> {
    await this.engine.ask(RemoveVolume, { name, force: flag(query, 'force') }, asked);
  }
}

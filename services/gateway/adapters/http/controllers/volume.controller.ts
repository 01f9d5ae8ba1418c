import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ListContainers } from '#contracts/containers/queries.js';
import type { RequestContext } from '#contracts/request.js';
import { CreateVolume, GetVolume, ListVolumes, RemoveVolume } from '#contracts/volumes/volumes.js';
import { notImplemented } from '#libs/errors/errors.js';
import { EngineClient } from '../../../application/engine-client.js';
import { asGoReads } from '../../../domain/requests/as-go-reads.js';
import { isFields } from '../../../domain/requests/create-request.js';
import { dockerVolume, filterVolumes, VOLUME_FILTERS } from '../../../domain/docker/volume.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { flag, text, type QueryValues } from '../../../domain/requests/query-values.js';
import { Asked } from '../callers/request-context.js';

@Controller('/volumes')
export class VolumeController {
  constructor(private readonly engine: EngineClient) {}

  @Get()
  async list(@Query() query: QueryValues, @Asked() asked: RequestContext): Promise<object> {
    const filters = readFilters(text(query, 'filters'), VOLUME_FILTERS);
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
    const { Name, Driver, Labels, DriverOpts, ClusterVolumeSpec } = isFields(body) ? body : {};
    if (ClusterVolumeSpec !== undefined && ClusterVolumeSpec !== null) throw notImplemented('Berth does not support cluster volumes yet');
    const wanted = { ...(Name ? { name: Name } : {}), ...(Driver ? { driver: Driver } : {}), ...(Labels ? { labels: asGoReads('Labels', Labels) } : {}), ...(DriverOpts ? { options: asGoReads('Options', DriverOpts) } : {}) };
    return dockerVolume(await this.engine.ask(CreateVolume, wanted, asked));
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

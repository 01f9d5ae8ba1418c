import { Controller } from '@nestjs/common';
import type { Done, RequestContext } from '#contracts/request.js';
import { CreateVolume, GetVolume, HoldVolume, ListVolumes, ReleaseVolumes, RemoveVolume, RestoreVolume, type VolumeView } from '#contracts/volumes/volumes.js';
import { Asked, Body, Handles } from '#libs/messaging/handles.js';
import { Volumes } from './application/volumes.js';

@Controller()
export class VolumesController {
  constructor(private readonly volumes: Volumes) {}

  @Handles(CreateVolume)
  create(@Body() command: CreateVolume, @Asked() asked: RequestContext): Promise<VolumeView & Done & { created: boolean }> {
    return this.volumes.create(command, asked);
  }

  @Handles(RemoveVolume)
  remove(@Body() command: RemoveVolume, @Asked() asked: RequestContext): Promise<Done> {
    return this.volumes.remove(command, asked);
  }

  @Handles(RestoreVolume)
  restore(@Body() command: RestoreVolume, @Asked() asked: RequestContext): Promise<Done> {
    return this.volumes.restore(command, asked);
  }

  @Handles(HoldVolume)
  hold(@Body() command: HoldVolume, @Asked() asked: RequestContext): Promise<VolumeView> {
    return this.volumes.hold(command, asked);
  }

  @Handles(ReleaseVolumes)
  release(@Body() { container }: ReleaseVolumes): Promise<Done> {
    return this.volumes.release(container);
  }

  @Handles(GetVolume)
  get(@Body() query: GetVolume): VolumeView {
    return this.volumes.get(query.name);
  }

  @Handles(ListVolumes)
  list(): { volumes: readonly VolumeView[]; position: number } {
    return this.volumes.list();
  }
}

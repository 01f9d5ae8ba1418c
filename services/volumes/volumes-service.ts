import { busService } from '#libs/service-process/hosted-service.js';
import { VolumesModule } from './volumes.module.js';

export const volumesService = busService('volumes', (deps) => VolumesModule.for(deps), () => []);

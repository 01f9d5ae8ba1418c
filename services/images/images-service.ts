import { busService } from '#libs/service-process/hosted-service.js';
import { PullOneImage } from './application/pull-image.js';
import { ImagesModule } from './images.module.js';

export const imagesService = busService('images', (deps) => ImagesModule.for(deps), (app) => [(out) => app.get(PullOneImage).metrics.write(out)]);

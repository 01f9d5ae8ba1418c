import { runServices } from '#libs/service-process/run-services.js';
import { imagesService } from './images-service.js';

await runServices('images', [imagesService]);

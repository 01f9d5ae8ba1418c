import { runServices } from '#libs/service-process/run-services.js';
import { volumesService } from './volumes-service.js';

await runServices('volumes', [volumesService]);

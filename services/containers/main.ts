import { runServices } from '#libs/service-process/run-services.js';
import { containersService } from './containers-service.js';

await runServices('containers', [containersService]);

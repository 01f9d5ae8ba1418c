import { runServices } from '#libs/service-process/run-services.js';
import { networksService } from './networks-service.js';

await runServices('networks', [networksService]);

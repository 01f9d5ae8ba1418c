import { runServices } from '#libs/service-process/run-services.js';
import { gatewayService } from './gateway-service.js';

await runServices('gateway', [gatewayService]);

import type { HostedService } from '#libs/service-process/hosted-service.js';
import { startGateway } from './start-gateway.js';

export const gatewayService: HostedService = {
  name: 'gateway',
  async start(deps) {
    const { metrics, annotations, close } = await startGateway(deps);
    return { metrics: [metrics], routes: { '/annotations': annotations }, close };
  },
};

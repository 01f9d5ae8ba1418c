import type { HostedService } from '#libs/service-process/hosted-service.js';
import { runServices } from '#libs/service-process/run-services.js';
import { readSettings } from '#libs/settings/engine-settings.js';
import { SERVICES, type ServiceName } from '#libs/settings/services.js';

const LOAD: Readonly<Record<ServiceName, () => Promise<HostedService>>> = {
  volumes: async () => (await import('../volumes/volumes-service.js')).volumesService,
  images: async () => (await import('../images/images-service.js')).imagesService,
  networks: async () => (await import('../networks/networks-service.js')).networksService,
  containers: async () => (await import('../containers/containers-service.js')).containersService,
  gateway: async () => (await import('../gateway/gateway-service.js')).gatewayService,
};

/** All unprivileged services in one process but those that run apart, whose code is not loaded here. */
const { apart } = readSettings(process.env);
const together: HostedService[] = [];
for (const service of SERVICES.filter((name) => !apart.includes(name))) together.push(await LOAD[service]());
await runServices('engine', together);

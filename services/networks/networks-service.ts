import { busService } from '#libs/service-process/hosted-service.js';
import { Endpoints } from './application/endpoints.js';
import { SettingsWatch } from './application/bridge-settings.js';
import { NetworksModule } from './networks.module.js';

export const networksService = busService(
  'networks',
  (deps) => NetworksModule.for(deps),
  (app) => [(out) => app.get(Endpoints).actions.write(out)],
  (app) => ({ settings: () => app.get(SettingsWatch).remark() }),
);

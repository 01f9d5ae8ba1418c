import { invalid } from '#libs/errors/errors.js';
import { type Environment, setting } from './setting-table.js';

/** BERTH_INSECURE_REGISTRIES: hosts, with ports, that may be asked over TLS without a certificate that is known, and over plain HTTP. Throws `invalid` for what no registry's name would ever equal. */
export function readInsecureRegistries(env: Environment): readonly string[] {
  const hosts = setting(env, 'BERTH_INSECURE_REGISTRIES').split(',').map((host) => host.trim()).filter((host) => host !== '');
  for (const host of hosts) {
    if (!/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?$/.test(host)) throw invalid(`BERTH_INSECURE_REGISTRIES: "${host}" is no registry's host, as registry.example:5000`);
  }
  return hosts;
}

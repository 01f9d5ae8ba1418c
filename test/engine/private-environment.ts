import { freePort, freeSubnet } from './private-addresses.js';

/** Settings of an engine that disturbs no other on this machine: sockets, ports, bridge, firewall table and cgroups are its own. `id`: some letters and digits, of this engine alone. */
export async function privateEnvironment(id: string, dataRoot: string): Promise<Record<string, string>> {
  return {
    BERTH_DATA_ROOT: dataRoot,
    BERTH_RUN_ROOT: `/run/berth-test-${id}`,
    BERTH_NATS_PORT: String(await freePort()),
    BERTH_METRICS_PORT: String(await freePort()),
    BERTH_BRIDGE: `bt${id}`,
    BERTH_SUBNET: freeSubnet(),
    BERTH_CGROUP_PARENT: `/docker-t${id}`,
    BERTH_NFT_TABLE: `berth_t${id}`,
  };
}

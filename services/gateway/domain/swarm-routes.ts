const NOT_A_MANAGER = 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const NO_CLUSTER_VOLUMES = 'volume update only valid for cluster volumes, but swarm is unavailable';
const NOT_IN_A_SWARM = 'This node is not part of a swarm';

/** What a node in no swarm can do: begin or join one. Everything else of a swarm's is refused, in dockerd's words and as unavailable (503). */
export function swarmRefusal(method: string, path: string): string | undefined {
  if (path === '/swarm/init' || path === '/swarm/join') return undefined;
  if (path === '/swarm/leave') return NOT_IN_A_SWARM;
  // Unlocking asks for a swarm that is locked.
  if (path === '/swarm/unlock') return method === 'POST' ? NOT_IN_A_SWARM : undefined;
  if (method === 'PUT' && /^\/volumes\/[^/]+$/.test(path)) return NO_CLUSTER_VOLUMES;
  return /^\/(swarm|nodes|services|tasks|secrets|configs)(\/|$)/.test(path) ? NOT_A_MANAGER : undefined;
}

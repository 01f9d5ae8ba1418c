/** Berth's own back end, the plan and the shim alone, as `--runtime` and `docker info` have it: what a container has that asked for none. */
export const OWN_RUNTIME = 'berth';

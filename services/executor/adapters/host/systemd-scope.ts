import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CgroupLayout } from '#libs/cgroup/layout.js';
import { errorMessage, unavailable } from '#libs/errors/errors.js';

/** sd_booted(3) */
const SYSTEMD_RUNS = '/run/systemd/system';
/** Where systemd puts units of no other slice. */
const SLICE = '/system.slice';
/** The executor's own place in the scope, whose top may hold no processes. Its zygote and shims stay there too. */
const EXECUTOR_CGROUP = 'executor';
const DEADLINE_MS = 20_000;

/**
 * On v2 every cgroup belongs to systemd where systemd runs: others may make cgroups only in a subtree that it delegates (systemd: CGROUP_DELEGATION.md). So this
 * process moves to a scope of its own with Delegate=yes, and containers are below that. The scope lives as long as a process in it: containers and shims keep it
 * when the executor ends, whose successor joins it again; with the last of them it goes. Without systemd, and on v1, the layout stays as it is.
 * Throws `unavailable` with systemd's words. `parent`: "/docker", which names the scope, so that engines with parents of their own do not meet.
 */
export function joinDelegatedScope(layout: CgroupLayout, parent: string): CgroupLayout {
  if (layout.mode !== 'v2' || layout.unified === undefined || !existsSync(SYSTEMD_RUNS)) return layout;
  const unit = scopeName(parent);
  const subtree = `${SLICE}/${unit}`;
  const own = join(layout.unified, subtree, EXECUTOR_CGROUP);
  if (!joins(own)) askForScope(unit, own);
  return { ...layout, subtree };
}

/** "/docker" is "berth-docker.scope". */
export const scopeName = (parent: string): string => `berth${parent.replaceAll('/', '-')}.scope`;

function joins(cgroup: string): boolean {
  try {
    writeFileSync(join(cgroup, 'cgroup.procs'), String(process.pid), { flag: 'r+' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV')) return false;
    throw error;
  }
}

/** systemd-run(1) makes the scope around itself; the shell that it becomes brings this process in before it ends, and the scope is never empty. */
function askForScope(unit: string, own: string): void {
  const properties = ['Delegate=yes', 'TasksMax=infinity', `Description=Berth's containers`].flatMap((property) => ['--property', property]);
  const move = ['/bin/sh', '-c', 'mkdir -p "$0" && echo "$1" > "$0/cgroup.procs"', own, String(process.pid)];
  try {
    execFileSync('systemd-run', ['--scope', '--quiet', '--collect', '--unit', unit, ...properties, '--', ...move], { stdio: 'pipe', timeout: DEADLINE_MS });
  } catch (error) {
    throw unavailable(`systemd gave no cgroup for containers (scope ${unit}): ${errorMessage(error)}`, error);
  }
}

import type { HostConfig } from '#contracts/containers/container-config.js';
import type { ExecConfig } from '#contracts/containers/container-state.js';
import type { AttachTicket, LaunchExec, TaskSecurity } from '#contracts/executor/tasks.js';
import type { PresentContainer } from '../container/container-state.js';
import { parseSecurityOptions } from '../launch-request.js';
import { type Link, linkFacts } from '../network/links.js';

/** What of a container's security concerns further commands. */
export const securityOf = ({ Privileged: privileged = false, CapAdd: capAdd, CapDrop: capDrop, SecurityOpt: options }: HostConfig): TaskSecurity => ({ privileged, capAdd: capAdd ?? [], capDrop: capDrop ?? [], ...parseSecurityOptions(options ?? []) });

/** What is asked of the executor to run a further command in a container. Throws, as dockerd does, where a link of the container leads to nobody who runs. */
export function execLaunch(
  holder: PresentContainer,
  links: readonly Link[],
  config: ExecConfig,
  { exec, tickets, consoleSize }: { readonly exec: string; readonly tickets: readonly AttachTicket[]; readonly consoleSize?: readonly number[] | undefined },
): Omit<LaunchExec, 'reply'> {
  const { spec, run } = holder;
  const linked = linkFacts(holder, links).environment;
  return {
    container: spec.id,
    start: run.start,
    exec,
    process: {
      args: config.args,
      env: [`HOSTNAME=${spec.config.Hostname ?? ''}`, ...linked, ...(spec.config.Env ?? []), ...config.env],
      cwd: config.workingDir || spec.config.WorkingDir || '/',
      user: config.user || spec.config.User || '',
      groups: spec.hostConfig.GroupAdd ?? [],
      terminal: config.terminal,
      rows: consoleSize?.[0] ?? 0,
      columns: consoleSize?.[1] ?? 0,
      openStdin: tickets.some(({ stdin }) => stdin),
      stdinOnce: true,
    },
    security: securityOf(spec.hostConfig),
    privileged: config.privileged,
    ulimits: spec.hostConfig.Ulimits ?? [],
    ...(spec.hostConfig.OomScoreAdj ? { oomScoreAdj: spec.hostConfig.OomScoreAdj } : {}),
    tickets,
  };
}

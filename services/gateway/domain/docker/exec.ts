import type { ExecView } from '#contracts/containers/container-state.js';

/** GET /exec/{id}/json (swagger.yaml, ExecInspectResponse). */
export function execInspect(view: ExecView): object {
  const { config } = view;
  return {
    ID: view.id,
    Running: view.running,
    ExitCode: view.exitCode,
    ProcessConfig: { tty: config.terminal, entrypoint: config.args[0] ?? '', arguments: config.args.slice(1), privileged: config.privileged, ...(config.user === '' ? {} : { user: config.user }) },
    OpenStdin: config.attachStdin,
    OpenStderr: config.attachStderr,
    OpenStdout: config.attachStdout,
    CanRemove: false,
    ContainerID: view.container,
    DetachKeys: config.detachKeys,
    Pid: view.pid,
  };
}

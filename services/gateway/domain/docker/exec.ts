import type { ExecView } from '#contracts/containers/container-state.js';
import { parseDetachKeys } from '../requests/detach-keys.js';

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
    // Bytes, which Go tells in base64.
    DetachKeys: config.detachKeys === '' ? '' : Buffer.from(parseDetachKeys(config.detachKeys)).toString('base64'),
    Pid: view.pid,
  };
}

import type { ExecConfig } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { bodyFields, consoleSizeField, textField, textsField, truthField } from './go-fields.js';

/** What Go calls these bodies. */
const [EXEC, START] = ['ExecOptions', 'ExecStartOptions'] as const;

/** The body of POST /containers/{id}/exec (swagger.yaml, ExecConfig). Throws `invalid` for what is none. */
export function readExecRequest(body: unknown): ExecConfig {
  const fields = bodyFields(body, `container.${EXEC}`);
  const args = textsField(EXEC, fields, 'Cmd');
  if (args.length === 0) throw invalid('No exec command specified');
  return {
    args,
    env: textsField(EXEC, fields, 'Env'),
    user: textField(EXEC, fields, 'User'),
    workingDir: textField(EXEC, fields, 'WorkingDir'),
    terminal: truthField(EXEC, fields, 'Tty'),
    attachStdin: truthField(EXEC, fields, 'AttachStdin'),
    attachStdout: truthField(EXEC, fields, 'AttachStdout'),
    attachStderr: truthField(EXEC, fields, 'AttachStderr'),
    privileged: truthField(EXEC, fields, 'Privileged'),
    detachKeys: textField(EXEC, fields, 'DetachKeys'),
  };
}

export interface ExecStartWish {
  readonly detach: boolean;
  /** Whether its output is wanted as a terminal's is, without frames. */
  readonly raw: boolean;
  readonly consoleSize?: number[];
}

/** The body of POST /exec/{id}/start (swagger.yaml, ExecStartConfig); none is an empty one. */
export function readExecStart(body: unknown): ExecStartWish {
  const fields = bodyFields(body, `container.${START}`);
  const consoleSize = consoleSizeField(START, fields);
  return { detach: truthField(START, fields, 'Detach'), raw: truthField(START, fields, 'Tty'), ...(consoleSize === undefined ? {} : { consoleSize }) };
}

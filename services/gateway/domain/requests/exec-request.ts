import type { ExecConfig } from '#contracts/containers/container-state.js';
import { invalid } from '#libs/errors/errors.js';
import { isFields } from './create-request.js';
import { parseDetachKeys } from './detach-keys.js';

/** The body of POST /containers/{id}/exec (swagger.yaml, ExecConfig). Throws `invalid` for what is none. */
export function readExecRequest(body: unknown): ExecConfig {
  if (!isFields(body)) throw invalid('a request body with the command to run is needed');
  const args = strings('Cmd', body.Cmd);
  if (args.length === 0) throw invalid('No exec command specified');
  const detachKeys = string('DetachKeys', body.DetachKeys);
  parseDetachKeys(detachKeys, 'escape keys');
  return {
    args,
    env: strings('Env', body.Env),
    user: string('User', body.User),
    workingDir: string('WorkingDir', body.WorkingDir),
    terminal: body.Tty === true,
    attachStdin: body.AttachStdin === true,
    attachStdout: body.AttachStdout === true,
    attachStderr: body.AttachStderr === true,
    privileged: body.Privileged === true,
    detachKeys,
  };
}

function string(name: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(`${name} has to be a string`);
  return value;
}

function strings(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw invalid(`${name} has to be a list of strings`);
  return value;
}
